import type { ArtifactKind } from '../types/artifacts.ts';
import type { NodeId } from '../types/ids.ts';
import type { Attack } from './attack.ts';
import { packetTo, perPeer } from './attack.ts';

/**
 * Keeps artifacts of some kinds from some peers: neither pushed, nor advertised, nor handed out.
 * Defence: quorums do without f nodes, and whatever one honest peer has, it relays to all.
 */
export function withhold(
  artifacts: readonly ArtifactKind[],
  from: readonly NodeId[] | null,
): Attack {
  const kinds = new Set<string>(artifacts);
  return {
    send(packets, outlet) {
      const concerned = packets.some(({ packet }) =>
        [...packet.updates, ...packet.pulled].some(({ name }) => kinds.has(name.kind)),
      );
      if (!concerned) {
        return packets;
      }
      return (from === null ? packets : perPeer(packets, outlet)).map((whole) => {
        const { to, packet } = whole;
        if (from !== null && to !== 'all' && !from.includes(to)) {
          return whole;
        }
        return packetTo(to, {
          ...packet,
          updates: packet.updates.filter(({ name }) => !kinds.has(name.kind)),
          pulled: packet.pulled.map((answer) =>
            kinds.has(answer.name.kind) ? { ...answer, bytes: null } : answer,
          ),
        });
      });
    },
  };
}
