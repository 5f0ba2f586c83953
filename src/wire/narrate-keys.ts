import type { NodeId } from '../protocol/types/ids.ts';
import type { FeedEntry } from './projection.ts';
import type { TelemetryEvent } from './telemetry.ts';

/** What happens to keys and membership, in plain words; every node says the same of a block. */
export function keysInWords(
  event: TelemetryEvent,
  from: string,
  name: (id: NodeId) => string,
): Pick<FeedEntry, 'severity' | 'text' | 'height'> | undefined {
  switch (event.kind) {
    case 'dkgTranscriptCreated': {
      const { height, tag, dealers, receivers } = event;
      const text =
        tag === 'high'
          ? `Height ${height}: ${dealers.length} nodes dealt the subnet’s key anew to ${receivers.length}. The public key is the same, the old shares are worthless.`
          : `Height ${height}: a new beacon key for the next interval, made of ${dealers.length} dealings.`;
      return { severity: 'good', text, height };
    }
    case 'dkgTranscriptKept':
      return {
        severity: 'warning',
        text: `Height ${event.height}: ${event.reason} for the ${event.tag === 'high' ? 'subnet’s' : 'beacon'} key, so the old one stays for one more interval.`,
        height: event.height,
      };
    case 'dkgComplaintIncluded': {
      const { height, dealer, complainer } = event;
      const text = `${name(complainer)} proved that ${name(dealer)} dealt it a bad piece of a key; the dealing does not count.`;
      return { severity: 'warning', text, height };
    }
    case 'dkgShareMissing':
      return {
        severity: 'warning',
        text: `${from} has no share of a key: ${event.message}.`,
        height: null,
      };
    case 'leftSubnet':
      return {
        severity: 'info',
        text: `${from} left the subnet: nobody depends on it any more.`,
        height: event.height,
      };
    case 'registryChanged': {
      const { version, members, isHalted, haltAtCatchUpPackage } = event;
      const halt = isHalted ? ', halted' : haltAtCatchUpPackage ? ', to halt at a package' : '';
      const text = `Registry version ${version}: ${members.length} members${halt}.`;
      return { severity: 'info', text, height: null };
    }
    default:
      return undefined;
  }
}
