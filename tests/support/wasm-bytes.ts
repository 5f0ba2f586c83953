/** Modules built byte by byte: what no assembler would write. */

function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

type Bytes = Uint8Array | readonly number[];

function joined(...parts: readonly Bytes[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const section = (id: number, body: Uint8Array): Uint8Array => joined([id], leb(body.length), body);
export const WASM_HEADER = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** A module of functions () → () with these bodies. */
export function moduleOf(...bodies: readonly Uint8Array[]): Uint8Array {
  return joined(
    WASM_HEADER,
    section(1, Uint8Array.of(1, 0x60, 0, 0)),
    section(3, joined(leb(bodies.length), new Uint8Array(bodies.length))),
    section(10, joined(leb(bodies.length), ...bodies.map((b) => joined(leb(b.length), b)))),
  );
}

/** `locals`: count of i32 locals, declared in as many groups as there are numbers. */
export function functionOf(code: Bytes, locals: readonly number[] = []): Uint8Array {
  const groups = locals.flatMap((count) => [...leb(count), 0x7f]);
  return joined(leb(locals.length), groups, code, [0x0b]);
}

/** The same bytes so many times. */
export function repeated(count: number, ...bytes: readonly number[]): Uint8Array {
  const all = new Uint8Array(count * bytes.length);
  for (let at = 0; at < all.length; at += bytes.length) {
    all.set(bytes, at);
  }
  return all;
}

/** `i32.const 0; br_table` that says it has so many targets, and has so many. */
export function branchTable(said: number, written: number = said): Uint8Array {
  return joined([0x41, 0, 0x0e], leb(said), new Uint8Array(written + 1));
}

export { joined };
