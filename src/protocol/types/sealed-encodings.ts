/**
 * The encodings of what was sealed last. A node names an artifact by the hash of its encoding, and
 * writes the same bytes to the disk and to its peers a moment later: they need not be made twice.
 * Found by identity: an edited copy of an artifact has no encoding here.
 */
const KEPT = 32;
/** Larger ones would hold memory for long. */
const MAX_KEPT_BYTES = 16 * 1024;

const artifacts: (object | null)[] = Array.from({ length: KEPT }, () => null);
const encodings: (Uint8Array | null)[] = Array.from({ length: KEPT }, () => null);
let next = 0;

export function rememberEncoding(artifact: object, encoding: Uint8Array): void {
  if (encoding.length <= MAX_KEPT_BYTES) {
    artifacts[next] = artifact;
    encodings[next] = encoding;
    next = (next + 1) % KEPT;
  }
}

/** Shared: never to be written to. */
export function rememberedEncoding(artifact: object): Uint8Array | undefined {
  const at = artifacts.indexOf(artifact);
  return at < 0 ? undefined : (encodings[at] ?? undefined);
}
