import type { ParsedModule } from '../../../src/protocol/execution/wasm/module.ts';
import { SECTION, SECTION_ORDER } from '../../../src/protocol/execution/wasm/module.ts';
import { ByteReader } from '../../../src/protocol/execution/wasm/reader.ts';
import { ByteWriter } from '../../../src/protocol/execution/wasm/writer.ts';

export const RAW_MEMORY_EXPORT = 'original memory';
export const RAW_GLOBAL_PREFIX = 'original global ';

const KIND = { memory: 2, global: 3 } as const;

/**
 * The original with exports added for its memory and mutable globals: without them a comparison of
 * states would see nothing. Code stays as it is, byte for byte.
 */
export function exposeState(module: ParsedModule): Uint8Array {
  const added: { readonly name: string; readonly kind: number; readonly index: number }[] = [];
  if (module.memory !== null) {
    added.push({ name: RAW_MEMORY_EXPORT, kind: KIND.memory, index: 0 });
  }
  module.globals.forEach(({ mutable }, index) => {
    if (mutable) {
      added.push({ name: `${RAW_GLOBAL_PREFIX}${index}`, kind: KIND.global, index });
    }
  });
  const payload = new ByteWriter();
  const old = module.sections.get(SECTION.export);
  if (old === undefined) {
    payload.u32(added.length);
  } else {
    const reader = new ByteReader(module.bytes, old.start, old.end);
    payload.u32(reader.u32() + added.length);
    payload.copy(module.bytes, reader.at, old.end);
  }
  for (const { name, kind, index } of added) {
    payload.name(name);
    payload.byte(kind);
    payload.u32(index);
  }
  const writer = new ByteWriter(module.bytes.length + 1024);
  writer.copy(module.bytes, 0, 8);
  for (const id of SECTION_ORDER) {
    const range = module.sections.get(id);
    if (id === SECTION.export) {
      writer.byte(id);
      writer.sized(payload.view());
    } else if (range !== undefined) {
      writer.byte(id);
      writer.sized(module.bytes.subarray(range.start, range.end));
    }
  }
  return writer.toBytes();
}
