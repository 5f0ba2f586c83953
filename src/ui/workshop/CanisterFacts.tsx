import { useEffect, useState } from 'react';
import { EXECUTION_FACTS } from '../../wire/execution-facts.ts';
import { CopyText } from '../components/CopyText.tsx';
import { useServices } from '../services.tsx';
import { formatBytes, formatCount, formatCycles } from '../store/format.ts';
import type { CanisterStatus } from './canister-desk.ts';
import type { WorkshopClient } from './client.ts';

interface CanisterFactsProps {
  /** Principal as text. */
  readonly canisterId: string;
  readonly client: () => Promise<WorkshopClient>;
  /** Changes whenever the canister did: the page asks anew. */
  readonly changed: string;
}

type Asked =
  | { readonly kind: 'asking' }
  | { readonly kind: 'told'; readonly status: CanisterStatus }
  | { readonly kind: 'refused'; readonly reason: string };

/** Cycles, memory by kind, settings and the limits that apply, as the management canister tells them. */
export function CanisterFacts({ canisterId, client, changed }: CanisterFactsProps) {
  const [asked, setAsked] = useState<Asked>({ kind: 'asking' });
  useEffect(() => {
    let stale = false;
    const ask = async (): Promise<Asked> => {
      try {
        return { kind: 'told', status: await (await client()).desk.status(canisterId) };
      } catch (reason) {
        return {
          kind: 'refused',
          reason: reason instanceof Error ? reason.message : String(reason),
        };
      }
    };
    void ask().then((answer) => {
      if (!stale) {
        setAsked(answer);
      }
    });
    return () => {
      stale = true;
    };
  }, [canisterId, client, changed]);
  return (
    <>
      <details className="facts" data-testid="cycles-and-memory">
        <summary>
          Cycles and memory <Summary asked={asked} />
        </summary>
        {asked.kind === 'told' ? (
          <CyclesAndMemory status={asked.status} />
        ) : (
          <NoAnswer asked={asked} />
        )}
      </details>
      <details className="facts" data-testid="settings-and-limits">
        <summary>Settings and limits</summary>
        {asked.kind === 'told' ? <Settings status={asked.status} /> : <NoAnswer asked={asked} />}
        <Limits />
      </details>
    </>
  );
}

function Summary({ asked }: { readonly asked: Asked }) {
  if (asked.kind !== 'told') {
    return null;
  }
  const { cycles, freezingLimit, memoryBytes } = asked.status;
  return cycles < freezingLimit ? (
    <span className="tone-warning small">❄ frozen: below its freezing limit</span>
  ) : (
    <span className="muted small">
      {formatCycles(cycles)} cycles, {formatBytes(Number(memoryBytes))}
    </span>
  );
}

function NoAnswer({ asked }: { readonly asked: Exclude<Asked, { kind: 'told' }> }) {
  return asked.kind === 'asking' ? (
    <p className="small muted">Asking the management canister</p>
  ) : (
    <p className="small tone-error outcome-text">× No status: {asked.reason}</p>
  );
}

function CyclesAndMemory({ status }: { readonly status: CanisterStatus }) {
  const taken = status.memory.filter(([, bytes]) => bytes > 0n);
  return (
    <dl className="fields">
      <dt>Balance</dt>
      <dd className="mono">{formatCycles(status.cycles)}</dd>
      <dt>Reserved</dt>
      <dd className="mono">
        {formatCycles(status.reservedCycles)}
        <span className="muted">
          {' '}
          for storage, of at most {formatCycles(status.reservedCyclesLimit)}
        </span>
      </dd>
      <dt>Idle burn</dt>
      <dd className="mono">{formatCycles(status.idleCyclesPerDay)} a day</dd>
      <dt>Frozen below</dt>
      <dd className="mono">
        {formatCycles(status.freezingLimit)}
        <span className="muted"> = {days(status.freezingThresholdSeconds)} of idling</span>
      </dd>
      <dt>Query calls</dt>
      <dd className="mono">
        {formatCount(status.queryCalls)}
        <span className="muted"> in finished epochs</span>
      </dd>
      {taken.map(([kind, bytes]) => (
        <MemoryLine key={kind} kind={kind} bytes={bytes} total={status.memoryBytes} />
      ))}
    </dl>
  );
}

interface MemoryLineProps {
  readonly kind: string;
  readonly bytes: bigint;
  readonly total: bigint;
}

function MemoryLine({ kind, bytes, total }: MemoryLineProps) {
  const percent = total === 0n ? 0 : Number((bytes * 1000n) / total) / 10;
  return (
    <>
      <dt>Memory: {kind}</dt>
      <dd className="mono memory-line">
        <span className="memory-bar" aria-hidden="true">
          <span style={{ width: `${percent}%` }} />
        </span>
        {formatBytes(Number(bytes))}
      </dd>
    </>
  );
}

function Settings({ status }: { readonly status: CanisterStatus }) {
  return (
    <dl className="fields">
      <dt>Controllers</dt>
      <dd>
        {status.controllers.length === 0 ? (
          <span className="muted">none: nobody can change it any more</span>
        ) : (
          status.controllers.map((id) => <CopyText key={id} full={id} short={id} />)
        )}
      </dd>
      <dt>Version</dt>
      <dd className="mono">{formatCount(status.version)}</dd>
      <dt>Compute</dt>
      <dd className="mono">
        {status.computeAllocation === 0n ? 'best effort' : `${status.computeAllocation} %`}
      </dd>
      <dt>Memory</dt>
      <dd className="mono">
        {status.memoryAllocation === 0n
          ? 'best effort'
          : `${formatBytes(Number(status.memoryAllocation))} allocated`}
      </dd>
      <dt>Heap limit</dt>
      <dd className="mono">{formatBytes(Number(status.wasmMemoryLimit))}</dd>
      <dt>Log seen by</dt>
      <dd>{status.logVisibility.replaceAll('_', ' ')}</dd>
      {status.environment.map(([name, value]) => (
        <Variable key={name} name={name} value={value} />
      ))}
    </dl>
  );
}

function Variable({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <>
      <dt className="mono">{name}</dt>
      <dd className="mono">{value}</dd>
    </>
  );
}

function Limits() {
  const { network } = useServices();
  const preset = network.spec.limits;
  const facts = EXECUTION_FACTS[preset];
  return (
    <>
      <h4>Limits: {preset}</h4>
      <dl className="fields">
        <dt>A message</dt>
        <dd className="mono">
          {instructions(facts.messageInstructions)}
          <span className="muted"> in slices of {short(facts.sliceInstructions)}</span>
        </dd>
        <dt>A query</dt>
        <dd className="mono">{instructions(facts.queryInstructions)}</dd>
        <dt>Installing</dt>
        <dd className="mono">{instructions(facts.installInstructions)}</dd>
        <dt>The subnet</dt>
        <dd className="mono">
          {formatBytes(Number(facts.subnetMemoryBytes))} of memory, {facts.executionThreads} threads
        </dd>
      </dl>
    </>
  );
}

function instructions(count: bigint): string {
  return `${short(count)} instructions`;
}

function short(count: bigint): string {
  return count >= 1_000_000_000n
    ? `${formatCount(count / 1_000_000_000n)} B`
    : `${formatCount(count / 1_000_000n)} M`;
}

function days(seconds: bigint): string {
  return seconds % 86_400n === 0n
    ? `${formatCount(seconds / 86_400n)} days`
    : `${formatCount(seconds)} s`;
}
