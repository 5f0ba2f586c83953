import type { Prng } from '../../base/prng.ts';
import { bytesToHex } from '../../base/hex.ts';
import { NS_PER_MS } from '../limits/consensus.ts';
import type { ArtifactName, SlotUpdate } from '../p2p/packet.ts';

/** Slots of an attack lie far above those that the node's own artifacts ever reach. */
const FIRST_SLOT = 1 << 20;

/** Slot updates beside the honest ones, at a bounded pace. */
export interface SideChannel {
  /** True when the attack may speak again. */
  isDue(nowNs: bigint): boolean;
  /** An update in a slot of its own; slots are used again after `slots` updates. */
  update(name: ArtifactName, bytes: Uint8Array | null): SlotUpdate;
}

export function createSideChannel(everyMs: number, slots: number): SideChannel {
  let nextNs = 0n;
  let commitId = 1;
  return {
    isDue(nowNs) {
      if (nowNs < nextNs) {
        return false;
      }
      nextNs = nowNs + BigInt(everyMs) * NS_PER_MS;
      return true;
    },
    update(name, bytes) {
      commitId += 1;
      return { slotId: FIRST_SLOT + (commitId % slots), commitId, name, bytes };
    },
  };
}

/** A name that peers want and that nothing has. */
export function inventedName(prng: Prng, height: number): ArtifactName {
  return { kind: 'notarizationShare', height, hash: bytesToHex(prng.bytes(32)) };
}
