import type { PoolReader } from '../artifact-pool/artifact-pool.ts';
import type { Mutations } from '../artifact-pool/change-action.ts';
import type { ActiveIntervals } from '../dkg/active-intervals.ts';
import type { DkgReader } from '../dkg/dkg-reader.ts';
import type { NodeCrypto } from '../interfaces/crypto.ts';
import type { PayloadBuilder, StateReader } from '../interfaces/replica.ts';
import type { NotaryBounds } from '../limits/consensus.ts';
import type { RegistryReader } from '../registry/registry-client.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { Height, NodeId, TimeNs } from '../types/ids.ts';
import type { FinalizedChain } from './finalized-chain.ts';
import type { HaltRegistry } from './halting.ts';
import type { Membership } from './membership.ts';
import type { PoolView } from './pool-view.ts';

/** What a role may look at. Nothing here can be written by a role except wake-up requests. */
export interface RoleContext {
  readonly nodeId: NodeId;
  readonly genesis: SubnetGenesis;
  /** `crypto.at(height)` signs and checks with the threshold keys of that height. */
  readonly crypto: NodeCrypto;
  readonly payloadBuilder: PayloadBuilder;
  readonly state: StateReader;
  readonly pool: PoolReader;
  readonly view: PoolView;
  readonly membership: Membership;
  readonly registry: RegistryReader;
  /** Registry version and threshold keys in force at each height. */
  readonly intervals: Pick<ActiveIntervals, 'at' | 'newest'>;
  readonly dkg: DkgReader;
  readonly chain: Pick<FinalizedChain, 'tip' | 'blockAt'>;
  readonly bounds: NotaryBounds;
  readonly haltRegistry: HaltRegistry;
  /** Validated heights kept below the catch-up package. */
  readonly minimumChainLength: number;
  /** Nothing from here on is purged while the node replays it; infinite or absent when it does not. */
  readonly replayFrom?: Height;
  /** Until then nothing is dealt or checked for new keys; absent or past = go on. See `RestartGrace`. */
  readonly keysWaitUntilNs?: TimeNs;
  /** Height of the first batch not yet handed to message routing. */
  readonly nextBatchHeight: Height;
  readonly nowNs: TimeNs;
  /** Asks to be called again at this time: the role found nothing to do before it. */
  wakeAt(timeNs: TimeNs): void;
}

/** A consensus role: reads the pool, returns what to change. */
export type Role = (context: RoleContext) => Mutations;

/** True when the time has come; otherwise asks for a wake-up at it. */
export function isDue(context: RoleContext, timeNs: TimeNs): boolean {
  if (context.nowNs >= timeNs) {
    return true;
  }
  context.wakeAt(timeNs);
  return false;
}

/** True while a node that started again has more urgent things to do than new keys. */
export function doKeysWait(context: RoleContext): boolean {
  return context.keysWaitUntilNs !== undefined && !isDue(context, context.keysWaitUntilNs);
}
