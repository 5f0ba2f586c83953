import type { Mutations } from '../artifact-pool/change-action.ts';
import { NO_MUTATIONS } from '../artifact-pool/change-action.ts';
import type { Role, RoleContext } from '../consensus/role-context.ts';
import type { GossipPacket } from '../p2p/gossip.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { NodeId } from '../types/ids.ts';
import type { MaliciousBehaviour } from '../types/malicious.ts';
import type { Attack } from './attack.ts';
import { corruptDealing } from './corrupt-dealing.ts';
import { corruptStateChunks } from './corrupt-state-chunks.ts';
import { equivocate } from './equivocate.ts';
import { falseComplaint } from './false-complaint.ts';
import { finalizeEverything } from './finalize-everything.ts';
import { floodSlots } from './flood-slots.ts';
import { forgeSlices } from './forge-slices.ts';
import { gapInSlices } from './gap-in-slices.ts';
import { garbage } from './garbage.ts';
import { invalidPayload } from './invalid-payload.ts';
import { makeBlocksLate } from './make-blocks-late.ts';
import { makeBlocksOutOfRank } from './make-blocks-out-of-rank.ts';
import { makeNoBlocks } from './make-no-blocks.ts';
import { notarizeEverything } from './notarize-everything.ts';
import { replay } from './replay.ts';
import { staleSlices } from './stale-slices.ts';
import { withhold } from './withhold.ts';
import { withholdStreams } from './withhold-streams.ts';
import { wrongCatchUpPackage } from './wrong-catch-up-package.ts';
import { wrongCertification } from './wrong-certification.ts';
import { wrongSignals } from './wrong-signals.ts';
import type { SliceRequest } from '../xnet/stream-request.ts';
import type { ServedSlice } from '../xnet/stream-server.ts';

/**
 * The Byzantine switches of one node. Without behaviours it does nothing at all; with some, roles
 * and outgoing packets pass through the attacks in the order they were named.
 */
export interface Adversary {
  /** Any switch is on. */
  readonly isActive: boolean;
  /** Replaces all behaviours; none = honest again. */
  set(behaviours: readonly MaliciousBehaviour[]): void;
  run(role: Role, context: RoleContext): Mutations;
  /** What only attacks make. */
  produce(context: RoleContext): Mutations;
  /**
   * What really leaves in the place of the packets of the honest core.
   * @param now the connection id that peers expect, and the highest notarized height: what peers
   *   want is a little above
   */
  send(packets: readonly GossipPacket[], now: SendingTime): readonly GossipPacket[];
  /** What a node of another subnet gets in the place of a slice of a stream. */
  serve(slice: ServedSlice, request: SliceRequest): ServedSlice;
}

export interface SendingTime {
  readonly nowNs: bigint;
  readonly connection: number;
  readonly notarized: number;
}

export interface AdversaryConfig {
  readonly nodeId: NodeId;
  readonly genesis: Pick<SubnetGenesis, 'nodes'>;
  /** Chance of attacks that invent bytes. */
  readonly seed: string;
}

export function createAdversary({ nodeId, genesis, seed }: AdversaryConfig): Adversary {
  const peers = genesis.nodes.map((node) => node.nodeId).filter((id) => id !== nodeId);
  let behaviours: readonly MaliciousBehaviour[] = [];
  let attacks: readonly Attack[] = [];
  return {
    get isActive() {
      return behaviours.length > 0;
    },
    set(next) {
      behaviours = next;
      attacks = next.map((behaviour) => attackOf(behaviour, seed));
    },
    run: (role, context) =>
      attacks.length === 0 ? role(context) : editedRole(role, attacks)(context),
    produce(context) {
      for (const { produce } of attacks) {
        const mutations = produce?.(context) ?? NO_MUTATIONS;
        if (mutations.length > 0) {
          return mutations;
        }
      }
      return NO_MUTATIONS;
    },
    send(packets, { nowNs, connection, notarized }) {
      if (attacks.length === 0) {
        return packets;
      }
      const outlet = { nodeId, peers, incarnation: connection, nowNs, notarized };
      return attacks.reduce((sent, attack) => attack.send?.(sent, outlet) ?? sent, packets);
    },
    serve: (slice, request) =>
      attacks.reduce((served, attack) => attack.serve?.(served, request) ?? served, slice),
  };
}

function editedRole(role: Role, attacks: readonly Attack[]): Role {
  return attacks.reduce<Role>((honest, attack) => {
    const edit = attack.roles?.get(role);
    return edit === undefined ? honest : (context) => edit(context, honest);
  }, role);
}

function attackOf(behaviour: MaliciousBehaviour, seed: string): Attack {
  switch (behaviour.kind) {
    case 'equivocate':
      return equivocate(behaviour.blocks);
    case 'makeNoBlocks':
      return makeNoBlocks();
    case 'makeBlocksLate':
      return makeBlocksLate(behaviour.delayMs);
    case 'makeBlocksOutOfRank':
      return makeBlocksOutOfRank();
    case 'invalidPayload':
      return invalidPayload();
    case 'withhold':
      return withhold(behaviour.artifacts, behaviour.from);
    case 'notarizeEverything':
      return notarizeEverything();
    case 'finalizeEverything':
      return finalizeEverything();
    case 'wrongCertification':
      return wrongCertification();
    case 'wrongCatchUpPackage':
      return wrongCatchUpPackage();
    case 'garbage':
      return garbage(behaviour.what, seed);
    case 'replay':
      return replay();
    case 'floodSlots':
      return floodSlots(seed);
    case 'corruptStateChunks':
      return corruptStateChunks();
    case 'corruptDealing':
      return corruptDealing();
    case 'falseComplaint':
      return falseComplaint();
    case 'forgeSlices':
      return forgeSlices();
    case 'staleSlices':
      return staleSlices();
    case 'gapInSlices':
      return gapInSlices();
    case 'withholdStreams':
      return withholdStreams();
    case 'wrongSignals':
      return wrongSignals();
  }
}
