import type { Prng } from '../../base/prng.ts';
import type { DelayBudget } from '../interfaces/replica.ts';
import { createGossip } from '../p2p/gossip.ts';
import type { Gossip } from '../p2p/gossip.ts';
import { INGRESS_KIND } from '../p2p/packet.ts';
import { registeredNodes } from '../registry/registry-change.ts';
import type { StateSync } from '../state-sync/state-sync.ts';
import type { TimeNs } from '../types/ids.ts';
import type { ArtifactIntake } from './artifact-intake.ts';
import { WORK_OF_INGRESS } from './ingress-manager.ts';
import type { NodeCoreConfig } from './node-io.ts';
import { pullTimeoutMs } from './pace-delays.ts';
import type { WireDecoder } from './wire-decoder.ts';

interface NodeGossipDeps {
  readonly decoder: WireDecoder;
  /** Chooses whom to ask. */
  readonly chance: Prng;
  readonly intake: ArtifactIntake;
  readonly stateSync: () => StateSync;
  readonly delays: () => DelayBudget;
  readonly nowNs: () => TimeNs;
}

/** The node's gossip, with what it brings led to its parts. */
export function createNodeGossip(config: NodeCoreConfig, deps: NodeGossipDeps): Gossip {
  const { nodeId, genesis, incarnation } = config;
  const { decoder, intake, stateSync } = deps;
  return createGossip({
    nodeId,
    peers: registeredNodes(genesis),
    incarnation,
    bouncer: (name) => intake.bounce(name),
    accept: (name, bytes, from, parts) => intake.accept(name, bytes, from, parts),
    extraBytesOf: (name) => intake.callOfBlock(name),
    chooseIndex: deps.chance.below,
    firstTimeoutMs: () => pullTimeoutMs(deps.delays()),
    decodePacket: (bytes) => decoder.packet(bytes),
    workOf: (name) => (name.kind === INGRESS_KIND ? WORK_OF_INGRESS : 0),
    onStateAdverts: (from, adverts) => stateSync().onAdverts(from, adverts),
    onStateRequest: (from, request) => stateSync().onRequest(from, request),
    onStateResponse: (from, response) => stateSync().onResponse(from, response, deps.nowNs()),
  });
}
