import { artifactStorageKey } from '../../protocol/node/stored-node.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import { ARTIFACT_KINDS } from '../../protocol/types/artifacts.ts';
import type { HashHex } from '../../protocol/types/ids.ts';
import type { Checker } from './checker.ts';

/** Persist before you sign out loud: what a node pushes or hands out of its pools is on its disk. */
export function persistedFirst(isStored: (nodeId: NodeId, key: string) => boolean): Checker {
  return {
    rule: 'persistedFirst',
    packet(from, packet) {
      for (const { name, bytes } of [...packet.updates, ...packet.pulled]) {
        const kind = ARTIFACT_KINDS.find((known) => known === name.kind);
        if (kind === undefined || bytes === null) {
          continue;
        }
        const id = { kind, height: name.height, hash: name.hash as HashHex };
        if (!isStored(from, artifactStorageKey(id))) {
          return `node ${from} sent ${kind} of height ${name.height}, which its disk does not hold`;
        }
      }
      return undefined;
    },
  };
}
