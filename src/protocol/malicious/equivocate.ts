import { makeBlock } from '../consensus/block-maker.ts';
import type { HashHex, NodeId } from '../types/ids.ts';
import type { Attack } from './attack.ts';
import { packetTo, perPeer } from './attack.ts';
import { editProposals, proposalOf } from './own-block.ts';

/** Heights whose blocks are remembered for telling peers apart; later ones are decided long before. */
const REMEMBERED_BLOCKS = 512;

/**
 * Makes several blocks per height, alike but for their time, and shows each peer one of them.
 *
 * Defence: a peer that gets to see two of them proves the equivocation from the two signatures; the
 * maker's rank is disqualified at that height, and the next rank is notarized beside it.
 */
export function equivocate(blocks: number): Attack {
  const turnOf = new Map<HashHex, number>();
  const remember = (hash: HashHex, turn: number): void => {
    turnOf.set(hash, turn);
    const [oldest] = turnOf.keys();
    if (turnOf.size > REMEMBERED_BLOCKS && oldest !== undefined) {
      turnOf.delete(oldest);
    }
  };
  return {
    roles: new Map([
      [
        makeBlock,
        (context, honest) =>
          editProposals(honest(context), (proposal) => {
            const { block } = proposal;
            const others = Array.from({ length: blocks - 1 }, (_, i) => {
              const timeNs = block.context.timeNs + BigInt(i + 1);
              return proposalOf(context, { ...block, context: { ...block.context, timeNs } });
            });
            const all = [proposal, ...others];
            all.forEach(({ hash }, turn) => {
              remember(hash, turn);
            });
            return all;
          }),
      ],
    ]),
    send(packets, outlet) {
      const isFor = (peer: NodeId, hash: string): boolean => {
        const turn = turnOf.get(hash as HashHex);
        return turn === undefined || outlet.peers.indexOf(peer) % blocks === turn;
      };
      const concerned = packets.some(({ packet }) =>
        packet.updates.some(({ name }) => turnOf.has(name.hash as HashHex)),
      );
      return concerned
        ? perPeer(packets, outlet).map(({ to, packet }) => {
            const updates = packet.updates.filter(({ name }) => isFor(to, name.hash));
            return packetTo(to, { ...packet, updates });
          })
        : packets;
    },
  };
}
