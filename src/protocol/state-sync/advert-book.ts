import { MAX_CHECKPOINT_ADVERTS } from '../limits/state-sync.ts';
import type { StateAdvert } from '../p2p/packet.ts';
import type { NodeId } from '../types/ids.ts';

/**
 * Which peer said last that it has which checkpoints. A peer's word is only used to ask it for what
 * a catch-up package vouches for, so a lie costs a refused request.
 */
export class AdvertBook {
  private readonly adverts = new Map<NodeId, readonly StateAdvert[]>();

  /** The newest word of a peer replaces what it said before. */
  note(peer: NodeId, adverts: readonly StateAdvert[]): void {
    this.adverts.set(
      peer,
      adverts.toSorted((a, b) => b.height - a.height).slice(0, MAX_CHECKPOINT_ADVERTS),
    );
  }

  /** The peer does not have it, whatever it said. */
  forget(peer: NodeId): void {
    this.adverts.delete(peer);
  }

  clear(): void {
    this.adverts.clear();
  }

  /** The peers that have it, of those given, in their order. */
  holders(wanted: StateAdvert, peers: readonly NodeId[]): readonly NodeId[] {
    return peers.filter((peer) =>
      this.adverts
        .get(peer)
        ?.some(({ height, root }) => height === wanted.height && root === wanted.root),
    );
  }
}
