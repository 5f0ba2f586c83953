import type { Packet } from '../p2p/packet.ts';
import type { PacketSummary } from './node-io.ts';

/** Artifact kinds by what an onlooker calls them. */
const CONTENT_OF_KIND: Readonly<Record<string, string>> = {
  blockProposal: 'block',
  equivocationProof: 'block',
  randomBeacon: 'beacon',
  randomBeaconShare: 'beacon',
  randomTape: 'tape',
  randomTapeShare: 'tape',
  notarization: 'notarization',
  notarizationShare: 'notarization',
  finalization: 'finalization',
  finalizationShare: 'finalization',
  certification: 'certification',
  certificationShare: 'certification',
  catchUpPackage: 'catchUpPackage',
  catchUpPackageShare: 'catchUpPackage',
  dkgDealing: 'dkg',
  dkgComplaint: 'dkg',
  ingress: 'ingress',
  blockIngress: 'ingress',
};

/** What a packet carries, counted by content; for telemetry. */
export function summarizePacket(packet: Packet): readonly PacketSummary[] {
  const counts = new Map<string, number>();
  const add = (content: string, count: number): void => {
    if (count > 0) {
      counts.set(content, (counts.get(content) ?? 0) + count);
    }
  };
  for (const { name, bytes } of [...packet.updates, ...packet.pulled]) {
    add(bytes === null ? 'advert' : (CONTENT_OF_KIND[name.kind] ?? 'advert'), 1);
  }
  add('pull', packet.pulls.length);
  const { stateAdverts, stateRequests, stateResponses } = packet;
  add('stateSync', stateAdverts.length + stateRequests.length + stateResponses.length);
  if (counts.size === 0) {
    add('hello', packet.sessions.length > 0 ? 1 : 0);
    add('ack', packet.sessions.length > 0 ? 0 : 1);
  }
  return [...counts].map(([content, count]) => ({ content, count }));
}
