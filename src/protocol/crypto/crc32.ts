/** Bytes that one turn of the fast loop takes, each through a table of its own. */
const STRIDE = 16;

/** `TABLES[k][b]`: what byte `b`, with `k` bytes after it, adds to the checksum. */
const TABLES: readonly Uint32Array[] = makeTables();

function makeTables(): readonly Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xed_b8_83_20 : crc >>> 1;
    }
    return crc;
  });
  const tables = [first];
  for (let k = 1; k < STRIDE; k += 1) {
    const before = tables[k - 1] as Uint32Array;
    tables.push(before.map((crc) => (crc >>> 8) ^ (first[crc & 0xff] as number)));
  }
  return tables;
}

/**
 * CRC-32 (ISO 3309), as an unsigned 32-bit number. Sixteen bytes at a time, which takes half of what one by
 * one does: a disk of 64 MiB is checked before a node starts.
 */
export function crc32(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, ta, tb, tc, td, te, tf] =
    TABLES as unknown as SixteenTables;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - (bytes.length % STRIDE);
  let crc = 0xff_ff_ff_ff;
  let at = 0;
  for (; at < end; at += STRIDE) {
    const a = view.getUint32(at, true) ^ crc;
    const b = view.getUint32(at + 4, true);
    const c = view.getUint32(at + 8, true);
    const d = view.getUint32(at + 12, true);
    crc =
      (tf[a & 0xff] as number) ^
      (te[(a >>> 8) & 0xff] as number) ^
      (td[(a >>> 16) & 0xff] as number) ^
      (tc[a >>> 24] as number) ^
      (tb[b & 0xff] as number) ^
      (ta[(b >>> 8) & 0xff] as number) ^
      (t9[(b >>> 16) & 0xff] as number) ^
      (t8[b >>> 24] as number) ^
      (t7[c & 0xff] as number) ^
      (t6[(c >>> 8) & 0xff] as number) ^
      (t5[(c >>> 16) & 0xff] as number) ^
      (t4[c >>> 24] as number) ^
      (t3[d & 0xff] as number) ^
      (t2[(d >>> 8) & 0xff] as number) ^
      (t1[(d >>> 16) & 0xff] as number) ^
      (t0[d >>> 24] as number);
  }
  for (; at < bytes.length; at += 1) {
    crc = (crc >>> 8) ^ (t0[(crc ^ (bytes[at] as number)) & 0xff] as number);
  }
  return (crc ^ 0xff_ff_ff_ff) >>> 0;
}

type Table = Uint32Array;
type Four = readonly [Table, Table, Table, Table];
type SixteenTables = readonly [...Four, ...Four, ...Four, ...Four];
