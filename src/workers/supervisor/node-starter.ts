import { err } from '../../base/result.ts';
import type { DelayBudget } from '../../protocol/interfaces/replica.ts';
import { registeredNodes } from '../../protocol/registry/registry-change.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { NetworkResult } from '../../wire/network.ts';
import type { NetworkSpec } from '../../wire/network-spec.ts';
import { type ClockSetting, withRate } from '../clock/network-clock.ts';
import type { Deal } from '../inspector/inspector.worker.ts';
import type { Dealt } from '../inspector/registry-office.ts';
import type { NodeWorld, SignatureLibrary } from '../node/control.ts';
import type { FaultControl } from './fault-control.ts';
import { brokerMesh } from './mesh-broker.ts';
import type { NodeProcess } from './node-process.ts';
import type { RecordKeeper } from './registry-control.ts';
import { CONTROL_DEADLINE_MS, networkError, type Roster } from './roster.ts';
import { shareOfSandboxes } from './sandbox-share.ts';

/**
 * Until all first nodes run, time stands still for those that run already: they would greet and ask
 * again whom they cannot reach yet, and slow down the start of the others.
 */
export interface StartLine {
  clockFor(setting: ClockSetting): ClockSetting;
  release(): void;
}

export function createStartLine(): StartLine {
  let isHeld = true;
  return {
    clockFor: (setting) => (isHeld ? withRate(setting, 0, Date.now()) : setting),
    release: () => {
      isHeld = false;
    },
  };
}

export type Starter = (process: NodeProcess) => NetworkResult<void>;

export interface StarterDeps {
  readonly networkId: string;
  readonly spec: NetworkSpec;
  /** Its list of subnets grows when one is added. */
  readonly deal: Pick<Deal, 'subnets' | 'rootKeyDer'>;
  /** The subnet whose nodes it starts. */
  readonly dealt: Dealt;
  readonly library: SignatureLibrary;
  readonly stackBytes: number;
  clock(): ClockSetting;
  delays(): DelayBudget;
  readonly faults: Pick<FaultControl, 'linksOf' | 'conditionsOf' | 'behavioursOf'>;
  /** All nodes of the network. */
  readonly roster: Roster;
  readonly registry: Pick<RecordKeeper, 'records'>;
  /** Encoded versions of the network's registry that are known; none where the subnet is alone. */
  registryDeltas(): readonly Uint8Array[];
}

/** Starts a node with its keys and the world as it is; tells it at the end what changed meanwhile. */
export function createStarter(deps: StarterDeps): Starter {
  const { networkId, spec, deal, dealt, faults, roster, registry } = deps;
  let incarnation = Date.now();
  const memo = spec.memoVerification
    ? { memoSecret: crypto.getRandomValues(new Uint8Array(32)) }
    : {};
  const worldOf = (nodeId: NodeId): NodeWorld => ({
    registry: registry.records(),
    clock: deps.clock(),
    delays: deps.delays(),
    links: faults.linksOf(nodeId),
    conditions: faults.conditionsOf(nodeId),
    behaviours: faults.behavioursOf(nodeId),
  });
  return async (process) => {
    const { nodeId } = process;
    const secrets = dealt.secrets.find((candidate) => candidate.nodeId === nodeId);
    if (secrets === undefined) {
      return err(networkError('NODE_UNKNOWN', `No keys were dealt to node ${nodeId}.`));
    }
    incarnation = Math.max(incarnation + 1, Date.now());
    const started = await process.start({
      networkId,
      genesis: dealt.genesis,
      secrets,
      rootKeyDer: deal.rootKeyDer,
      registryDeltas: deps.registryDeltas(),
      neighbours: neighboursOf(deal, dealt),
      signatureLibrary: deps.library,
      ...worldOf(nodeId),
      mesh: brokerMesh(process, roster.all()),
      ...memo,
      incarnation,
      seed: `${spec.seed}/${nodeId}/${incarnation}`,
      sandboxes: {
        ...shareOfSandboxes(spec, allNodes(deal).indexOf(nodeId), navigator.hardwareConcurrency),
        stackBytes: deps.stackBytes,
      },
    });
    // What changed while it started was told to running nodes only.
    return started.ok
      ? roster.tell(nodeId, ({ control }) =>
          control.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'setWorld', worldOf(nodeId)),
        )
      : started;
  };
}

/** In order of subnets, members and spare nodes. */
function allNodes(deal: Pick<Deal, 'subnets'>): readonly NodeId[] {
  return deal.subnets.flatMap(({ genesis }) =>
    [...genesis.nodes, ...genesis.spareNodes].map(({ nodeId }) => nodeId),
  );
}

function neighboursOf(deal: Pick<Deal, 'subnets'>, own: Dealt): readonly NodeId[] {
  return deal.subnets
    .filter((subnet) => subnet !== own)
    .flatMap(({ genesis }) => registeredNodes(genesis));
}
