import { equalBytes } from '../../base/bytes.ts';
import { decodeUleb128 } from '../../base/leb128.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { CodedError, Result } from '../../base/result.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { asArray, asBytes, decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import {
  type CertificateVerifyOptions,
  decodeCertificate,
  verifyCertificate,
} from '../crypto/certificate.ts';
import { encodeHashTree, type HashTree, lookupPath, treeRoot } from '../crypto/hash-tree.ts';
import { decodeHashTree } from '../crypto/hash-tree.ts';
import { witness } from '../crypto/labeled-tree.ts';
import { principalToBytes } from '../crypto/principal.ts';
import { MAX_CERTIFIED_CHANGES_BYTES, MAX_REGISTRY_DELTA_BYTES } from '../limits/registry.ts';
import type { CanisterId, RegistryVersion } from '../types/ids.ts';
import { type BootstrapRegistry, REGISTRY_PATHS, registryTree } from './bootstrap-registry.ts';
import { decodeDelta } from './records/changelog.ts';

/**
 * Registry versions on their way to the nodes: as many deltas as fit one answer, a witness of them
 * against the registry's certified data, and the root subnet's certificate of that data.
 * @upstream rs/registry/canister/src/certification.rs, rs/registry/nns_data_provider/src/certification.rs
 */
export type CertifiedDeltasErrorCode =
  | 'REGISTRY_ANSWER_MALFORMED'
  | 'REGISTRY_CERTIFICATE_REFUSED'
  | 'REGISTRY_DATA_NOT_CERTIFIED'
  | 'REGISTRY_DELTA_MISSING';
export type CertifiedDeltasError = CodedError<CertifiedDeltasErrorCode>;

function refused(
  code: CertifiedDeltasErrorCode,
  message: string,
): Result<never, CertifiedDeltasError> {
  return err(codedError(code === 'REGISTRY_ANSWER_MALFORMED' ? 'input' : 'trust', code, message));
}

export function certifiedDataPath(registry: CanisterId): readonly Uint8Array[] {
  return [encodeUtf8('canister'), principalToBytes(registry), encodeUtf8('certified_data')];
}

/**
 * The versions after `since`, oldest first, as far as they fit.
 * @param certificate of the certified data of exactly this registry
 */
export function encodeCertifiedDeltas(
  registry: BootstrapRegistry,
  since: RegistryVersion,
  certificate: Uint8Array,
): Uint8Array {
  const shown = [REGISTRY_PATHS.currentVersion as readonly Uint8Array[]];
  let left = MAX_REGISTRY_DELTA_BYTES;
  for (let version = since + 1; version <= registry.snapshot.version; version += 1) {
    left -= registry.deltas[version - 1]?.length ?? 0;
    if (left < 0 && version > since + 1) {
      break;
    }
    shown.push(REGISTRY_PATHS.delta(version));
  }
  return encodeCbor([encodeHashTree(witness(registryTree(registry), shown)), certificate]);
}

export interface CertifiedDeltas {
  /** Encoded; they follow each other, the first of version since + 1; may end before `currentVersion`. */
  readonly deltas: readonly Uint8Array[];
  /** The newest version when the certificate was made. */
  readonly currentVersion: RegistryVersion;
}

/**
 * Checks a root node's answer: it counts under the root subnet's key alone.
 * @param options the root key; the certificate may not be delegated
 */
export function verifyCertifiedDeltas(
  bytes: Uint8Array,
  since: RegistryVersion,
  registry: CanisterId,
  options: CertificateVerifyOptions,
): Result<CertifiedDeltas, CertifiedDeltasError> {
  const answer = decodeAnswer(bytes);
  if (answer === undefined) {
    return refused('REGISTRY_ANSWER_MALFORMED', 'A registry answer does not decode.');
  }
  const { tree, certificate } = answer;
  const decoded = decodeCertificate(certificate);
  if (!decoded.ok || decoded.value.delegation !== undefined) {
    return refused('REGISTRY_CERTIFICATE_REFUSED', 'The certificate is not the root subnet’s own.');
  }
  const verified = verifyCertificate(decoded.value, options);
  if (!verified.ok) {
    return refused('REGISTRY_CERTIFICATE_REFUSED', verified.error.message);
  }
  const certified = lookupPath(decoded.value.tree, certifiedDataPath(registry));
  if (certified === undefined || !equalBytes(certified, treeRoot(tree))) {
    const message = 'The registry’s changes are not those that the certificate speaks of.';
    return refused('REGISTRY_DATA_NOT_CERTIFIED', message);
  }
  return readDeltas(tree, since);
}

function decodeAnswer(
  bytes: Uint8Array,
): { readonly tree: HashTree; readonly certificate: Uint8Array } | undefined {
  const decoded = decodeCbor(bytes, { maxBytes: MAX_CERTIFIED_CHANGES_BYTES });
  const [treeField, certificateField, ...rest] = (decoded.ok && asArray(decoded.value)) || [];
  const treeBytes = asBytes(treeField);
  const certificate = asBytes(certificateField);
  const tree = treeBytes && decodeHashTree(treeBytes);
  return tree?.ok === true && certificate !== undefined && rest.length === 0
    ? { tree: tree.value, certificate }
    : undefined;
}

function readDeltas(
  tree: HashTree,
  since: RegistryVersion,
): Result<CertifiedDeltas, CertifiedDeltasError> {
  const versionBytes = lookupPath(tree, REGISTRY_PATHS.currentVersion);
  const currentVersion = Number(versionBytes && decodeUleb128(versionBytes, 0, 8)?.value);
  if (!Number.isSafeInteger(currentVersion)) {
    return refused('REGISTRY_ANSWER_MALFORMED', 'A registry answer does not tell its version.');
  }
  const deltas: Uint8Array[] = [];
  for (let version = since + 1; version <= currentVersion; version += 1) {
    const encoded = lookupPath(tree, REGISTRY_PATHS.delta(version));
    if (encoded === undefined) {
      break;
    }
    const delta = decodeDelta(encoded);
    if (!delta.ok || delta.value.version !== version) {
      const message = `The certified delta of version ${version} does not decode.`;
      return refused('REGISTRY_ANSWER_MALFORMED', message);
    }
    deltas.push(encoded);
  }
  return currentVersion > since && deltas.length === 0
    ? refused('REGISTRY_DELTA_MISSING', `Version ${since + 1} is missing in a registry answer.`)
    : ok({ deltas, currentVersion });
}
