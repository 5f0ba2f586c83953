import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INSECURE_TEST_SUITE } from '../crypto/insecure-test-crypto.ts';
import { wrapBls } from '../crypto/der.ts';
import { createNodeCrypto } from '../crypto/node-crypto.ts';
import { dealSubnet } from '../registry/genesis.ts';
import type { NodeId } from '../types/ids.ts';
import { createNodeCore } from './node-core.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type { NodeCore, NodeEffect, NodeInput, NodeOutput } from './node-io.ts';
import { subnetParametersFor } from './subnet-parameters.ts';

const START_NS = 1_735_689_600_000_000_000n;
const NS_PER_MS = 1_000_000n;

function deal(nodes: number) {
  const timing = { unitDelayMs: 1000, initialNotaryDelayMs: 300, dkgIntervalLength: 9 };
  return dealSubnet(
    {
      seed: 'node core',
      index: 0,
      nodes,
      parameters: subnetParametersFor('application', timing),
      genesisTimeNs: START_NS,
    },
    INSECURE_TEST_SUITE,
  );
}

function startCore(
  nodes: number,
  stored: readonly (readonly [string, Uint8Array])[] = [],
): { core: NodeCore; peers: readonly NodeId[] } {
  const { genesis, secrets } = deal(nodes);
  const [own] = secrets;
  if (own === undefined) {
    throw new RangeError('no node was dealt');
  }
  const core = createNodeCore({
    nodeId: own.nodeId,
    genesis,
    crypto: createNodeCrypto(genesis, own, INSECURE_TEST_SUITE),
    rootKeyDer: wrapBls(genesis.highTranscript.publicKey),
    incarnation: 1,
    seed: 'test',
    stored,
  });
  return {
    core,
    peers: genesis.nodes.map((node) => node.nodeId).filter((id) => id !== own.nodeId),
  };
}

function persistOf(output: NodeOutput): (NodeEffect & { kind: 'persist' }) | undefined {
  return output.effects.find((effect) => effect.kind === 'persist');
}

/** Steps a single node, answering writes at once, until the time is over; answers its trace. */
function run(
  core: NodeCore,
  fromMs: number,
  toMs: number,
  disk: Map<string, Uint8Array>,
): readonly TraceEvent[] {
  const trace: TraceEvent[] = [];
  let inputs: NodeInput[] = [];
  for (let ms = fromMs; ms < toMs; ms += 20) {
    do {
      const output = core.step(START_NS + BigInt(ms) * NS_PER_MS, inputs);
      inputs = [];
      trace.push(...output.trace);
      const write = persistOf(output);
      for (const change of write?.writes ?? []) {
        if (change.op === 'put') {
          disk.set(change.key, change.value);
        } else {
          disk.delete(change.key);
        }
      }
      if (write !== undefined) {
        inputs.push({ kind: 'persisted', operationId: write.operationId });
      }
    } while (inputs.length > 0);
  }
  return trace;
}

describe('a node core', () => {
  it('runs a subnet of one node by itself', () => {
    const { core } = startCore(1);
    run(core, 0, 6000, new Map());
    const status = core.status();
    expect(status.finalized).toBeGreaterThan(10);
    expect(status.certified).toBeGreaterThan(9);
    expect(status.catchUpPackage).toBeGreaterThanOrEqual(10);
  });

  it('CN51: says nothing it signed before it is stored', () => {
    const { core } = startCore(4);
    const first = core.step(START_NS, []);
    const write = persistOf(first);
    expect(
      write?.writes.some((change) => change.key.startsWith('artifact/randomBeaconShare/')),
    ).toBe(true);
    const contents = (output: NodeOutput) =>
      output.transmits.flatMap((transmit) => transmit.contents.map((summary) => summary.content));
    expect(contents(first)).toEqual(['hello']);
    const waiting = core.step(START_NS + 200n * NS_PER_MS, []);
    expect(contents(waiting)).not.toContain('beacon');
    const operationId = write?.operationId ?? -1;
    const stored = core.step(START_NS + 210n * NS_PER_MS, [{ kind: 'persisted', operationId }]);
    expect(contents(stored)).toContain('beacon');
  });

  it('goes on from its disk at the same state', () => {
    const disk = new Map<string, Uint8Array>();
    const before = startCore(1).core;
    run(before, 0, 6000, disk);
    const { core } = startCore(1, [...disk]);
    expect(core.status().finalized).toBeGreaterThanOrEqual(before.status().finalized);
    const [loaded] = run(core, 6000, 8000, disk).filter((event) => event.kind === 'caughtUp');
    expect(loaded).toMatchObject({ from: 'checkpoint' });
    expect(core.status().executed).toBeGreaterThan(before.status().executed);
  });

  it('CN51: alone, decides nothing that is not on its disk', () => {
    const { core } = startCore(1);
    const first = core.step(START_NS, []);
    const write = persistOf(first);
    expect(write?.writes.some(({ key }) => key.startsWith('artifact/'))).toBe(true);
    for (let ms = 0; ms < 2000; ms += 20) {
      const waiting = core.step(START_NS + BigInt(ms) * NS_PER_MS, []);
      expect(waiting.trace.map(({ kind }) => kind)).not.toContain('finalized');
    }
    const operationId = write?.operationId ?? 0;
    const told = core.step(START_NS + 2000n * NS_PER_MS, [{ kind: 'persisted', operationId }]);
    expect(told.trace.length).toBeGreaterThan(0);
  });

  it('reports a damaged disk and starts with what is whole', () => {
    const disk = new Map<string, Uint8Array>();
    run(startCore(1).core, 0, 6000, disk);
    const damaged = [...disk].map(([key, value]): [string, Uint8Array] => [
      key,
      key.startsWith('chunk/') || key.startsWith('artifact/notarization/') ? value.slice(1) : value,
    ]);
    const { core } = startCore(1, damaged);
    const { trace } = core.step(START_NS + 6000n * NS_PER_MS, []);
    const faults = trace.filter((event) => event.kind === 'criticalError');
    expect(faults.length).toBeGreaterThan(1);
    expect(trace).toContainEqual({ kind: 'caughtUp', height: 0, from: 'genesis' });
  });

  it('takes any bytes from peers and clients without an exception', () => {
    const { core, peers } = startCore(4);
    let ms = 0;
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom(...peers, 'ff' as NodeId),
        fc.constantFrom(
          '/api/v2/status',
          '/api/v2/canister/aaaaa-aa/call',
          '/x',
          '/api/v4/canister//call',
        ),
        (bytes, from, path) => {
          ms += 1;
          const output = core.step(START_NS + BigInt(ms) * NS_PER_MS, [
            { kind: 'packet', from, bytes },
            { kind: 'httpRequest', requestId: ms, request: { method: 'POST', path, body: bytes } },
            { kind: 'persisted', operationId: ms },
            { kind: 'sandboxReply', operationId: ms, reply: { kind: 'forgotten' } },
          ]);
          expect(output.effects.some((effect) => effect.kind === 'httpReply')).toBe(true);
          expect(output.trace.some((event) => event.kind === 'packetRejected')).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
