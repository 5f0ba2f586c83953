import type { CborValue } from '../crypto/cbor.ts';
import { MAX_CHUNK_BYTES, MAX_CHUNKS } from '../limits/management.ts';
import type { CanisterId, HashHex, PrincipalId } from '../types/ids.ts';
import type { CanisterChange, ChangeDetails, ChangeOrigin } from './canister-state.ts';
import type { ChunkStore } from './chunk-store.ts';
import { big, list, Malformed, small, text, texts } from './decode-fields.ts';
import { emptyPageMap } from './page-map.ts';

/** Reads back a canister's history and list of chunks; see `encode-state.ts`. Everything here throws `Malformed`. */

function originFrom(value: CborValue | undefined): ChangeOrigin {
  const parts = list(value);
  const id = text<PrincipalId>(parts[0]);
  if (parts.length === 1) {
    return { kind: 'user', userId: id };
  }
  const version = parts[1];
  return {
    kind: 'canister',
    canisterId: id,
    canisterVersion: version === null ? null : big(version),
  };
}

export function snapshotSourceFrom(
  value: CborValue | undefined,
): 'takenFromCanister' | 'metadataUpload' {
  const source = text(value);
  if (source !== 'takenFromCanister' && source !== 'metadataUpload') {
    throw new Malformed('the source of a snapshot');
  }
  return source;
}

function detailsFrom(kind: string, items: readonly (CborValue | undefined)[]): ChangeDetails {
  switch (kind) {
    case 'codeUninstall':
      return { kind };
    case 'creation':
      return {
        kind,
        controllers: texts<PrincipalId>(items[0]),
        environmentHash: items[1] === null ? null : text<HashHex>(items[1]),
      };
    case 'controllersChange':
      return { kind, controllers: texts<PrincipalId>(items[0]) };
    case 'codeDeployment': {
      const mode = text(items[0]);
      if (mode !== 'install' && mode !== 'reinstall' && mode !== 'upgrade') {
        throw new Malformed('an install mode');
      }
      return { kind, mode, moduleHash: text<HashHex>(items[1]) };
    }
    case 'loadSnapshot':
      return {
        kind,
        snapshotId: text(items[0]),
        canisterVersion: big(items[1]),
        takenAtNs: big(items[2]),
        source: snapshotSourceFrom(items[3]),
        fromCanisterId: items[4] === null ? null : text<CanisterId>(items[4]),
      };
    default:
      throw new Malformed('a change');
  }
}

export function changeFrom(value: CborValue): CanisterChange {
  const [timeNs, version, origin, kind, ...details] = list(value);
  return {
    timeNs: big(timeNs),
    canisterVersion: big(version),
    origin: originFrom(origin),
    details: detailsFrom(text(kind), details),
  };
}

/** A store whose pages the caller fills in. */
export function chunkStoreFrom(value: CborValue | undefined): ChunkStore {
  const chunks = list(value).map((item) => {
    const [hash, length] = list(item);
    return { hash: text<HashHex>(hash), length: small(length) };
  });
  if (chunks.length > MAX_CHUNKS || chunks.some(({ length }) => length > MAX_CHUNK_BYTES)) {
    throw new Malformed('a chunk store within its limits');
  }
  return { chunks, pages: emptyPageMap() };
}
