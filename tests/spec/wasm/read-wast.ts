import { compileWat } from '../../support/wat.ts';
import type { Action, Command, Script, ScriptValue } from './commands.ts';

/**
 * A small reader of `.wast` files: modules in text form, registrations and assertions on calls. What
 * needs the specification's own text parser (quoted or binary modules, malformed text) is left out;
 * wast2json reads those.
 */

interface Node {
  /** An atom or string as written; null for a list. */
  readonly atom: string | null;
  readonly items: readonly Node[];
  readonly start: number;
  readonly end: number;
}

const TOKEN = /\s+|;;[^\n]*|\(;[\s\S]*?;\)|"(?:[^"\\]|\\.)*"|[()]|[^\s()";]+/y;

function readNodes(text: string): Node[] {
  const open: { readonly start: number; readonly items: Node[] }[] = [{ start: 0, items: [] }];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const start = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) {
      throw new SyntaxError(`cannot read the test at ${start}`);
    }
    const end = TOKEN.lastIndex;
    if (token === '(') {
      open.push({ start, items: [] });
    } else if (token === ')') {
      const list = open.pop();
      open
        .at(-1)
        ?.items.push({ atom: null, items: list?.items ?? [], start: list?.start ?? 0, end });
    } else if (!/^(?:\s|;;|\(;)/.test(token)) {
      open.at(-1)?.items.push({ atom: token, items: [], start, end });
    }
  }
  if (open.length !== 1) {
    throw new SyntaxError('unbalanced parentheses');
  }
  return open[0]?.items ?? [];
}

function unquote(node: Node | undefined): string {
  return (node?.atom ?? '""')
    .slice(1, -1)
    .replaceAll(/\\([\da-f]{2}|.)/gi, (_, code: string) =>
      code.length === 2 ? String.fromCharCode(Number.parseInt(code, 16)) : code,
    );
}

const STORES = { i32: 'i32', i64: 'i64', f32: 'f32', f64: 'f64', v128: 'v128' } as const;
const LANE_BITS = { i8x16: 8, i16x8: 16, i32x4: 32, i64x2: 64, f32x4: 32, f64x2: 64 } as const;

/** Constants are assembled like all text and stored by the engine: nobody parses a float here. */
class Constants {
  readonly #text: string[] = [];
  #bytes: DataView = new DataView(new ArrayBuffer(0));

  add(type: keyof typeof STORES, text: string): number {
    this.#text.push(`(${STORES[type]}.store (i32.const ${this.#text.length * 16}) ${text})`);
    return this.#text.length - 1;
  }

  async evaluate(): Promise<void> {
    const pages = Math.ceil((this.#text.length * 16) / 65_536) + 1;
    const functions = this.#text.map((line, i) => `(func (export "${i}") ${line})`);
    const wasm = await compileWat(
      `(module (memory (export "m") ${pages}) ${functions.join('\n')})`,
    );
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource));
    functions.forEach((_, i) => {
      (exports[String(i)] as () => void)();
    });
    this.#bytes = new DataView((exports['m'] as WebAssembly.Memory).buffer);
  }

  bits(index: number, width: number, lane = 0): string {
    const at = index * 16 + (lane * width) / 8;
    const view = this.#bytes;
    const value =
      width === 64
        ? view.getBigUint64(at, true)
        : width === 32
          ? view.getUint32(at, true)
          : width === 16
            ? view.getUint16(at, true)
            : view.getUint8(at);
    return value.toString();
  }
}

/** A value is known only after all constants have been assembled. */
type Pending<T> = () => T;

function pendingValue(node: Node, text: string, constants: Constants): Pending<ScriptValue> {
  const [head, first, ...rest] = node.items;
  switch (head?.atom) {
    case 'ref.null':
      return () => ({
        type: first?.atom === 'func' ? 'funcref' : 'externref',
        value: 'null',
      });
    case 'ref.extern':
      return () => ({ type: 'externref', value: first?.atom ?? '0' });
    case 'ref.func':
      return () => ({ type: 'funcref' });
    case 'v128.const':
      return pendingVector(first?.atom ?? '', rest, constants);
    default:
  }
  const type = head?.atom?.slice(0, 3) as 'i32' | 'i64' | 'f32' | 'f64';
  const pattern = first?.atom ?? '';
  if (pattern === 'nan:canonical' || pattern === 'nan:arithmetic') {
    return () => ({ type, value: pattern });
  }
  const index = constants.add(type, text.slice(node.start, node.end));
  return () => ({ type, value: constants.bits(index, type.endsWith('64') ? 64 : 32) });
}

function pendingVector(
  shape: string,
  lanes: readonly Node[],
  constants: Constants,
): Pending<ScriptValue> {
  const width = LANE_BITS[shape as keyof typeof LANE_BITS];
  const isPattern = (lane: Node): boolean =>
    lane.atom?.startsWith('nan:') === true && !/0x/.test(lane.atom);
  const known = lanes.map((lane) => (isPattern(lane) ? '0' : lane.atom)).join(' ');
  const index = constants.add('v128', `(v128.const ${shape} ${known})`);
  return () => ({
    type: 'v128',
    lane_type: `${shape[0]}${width}` as 'i32',
    value: lanes.map((lane, i) =>
      isPattern(lane) ? (lane.atom ?? '') : constants.bits(index, width, i),
    ),
  });
}

function pendingAction(node: Node, text: string, constants: Constants): Pending<Action> {
  const [head, ...rest] = node.items;
  const named = rest[0]?.atom?.startsWith('$') === true ? rest[0].atom : undefined;
  const [field, ...args] = named === undefined ? rest : rest.slice(1);
  const values = args.map((arg) => pendingValue(arg, text, constants));
  return () => ({
    type: head?.atom === 'get' ? 'get' : 'invoke',
    ...(named === undefined ? {} : { module: named }),
    field: unquote(field),
    args: values.map((value) => value()),
  });
}

/** Reads a test. Throws with the assembler's words on bad text. @param name for reports */
export async function readWast(name: string, text: string): Promise<Script> {
  const constants = new Constants();
  const files: Record<string, Uint8Array> = {};
  const commands: Pending<Command>[] = [];
  const lineOf = (node: Node): number => text.slice(0, node.start).split('\n').length;
  for (const node of readNodes(text)) {
    const [head, first, second] = node.items;
    const line = lineOf(node);
    const label = first?.atom?.startsWith('$') === true ? { name: first.atom } : {};
    switch (head?.atom) {
      case 'module': {
        const filename = `${name}.${line}.wasm`;
        files[filename] = await compileWat(text.slice(node.start, node.end));
        commands.push(() => ({ type: 'module', line, filename, ...label }));
        break;
      }
      case 'register': {
        const of = second?.atom?.startsWith('$') === true ? { name: second.atom } : {};
        commands.push(() => ({ type: 'register', line, as: unquote(first), ...of }));
        break;
      }
      case 'invoke': {
        const action = pendingAction(node, text, constants);
        commands.push(() => ({ type: 'action', line, action: action() }));
        break;
      }
      case 'assert_return': {
        const action = pendingAction(first as Node, text, constants);
        const expected = node.items.slice(2).map((item) => pendingValue(item, text, constants));
        commands.push(() => ({
          type: 'assert_return',
          line,
          action: action(),
          expected: expected.map((value) => value()),
        }));
        break;
      }
      case 'assert_trap':
      case 'assert_exhaustion': {
        const type = head.atom as 'assert_trap' | 'assert_exhaustion';
        const action = pendingAction(first as Node, text, constants);
        commands.push(() => ({ type, line, action: action(), text: unquote(second) }));
        break;
      }
      default:
        throw new SyntaxError(`${name}:${line}: ${head?.atom} is for wast2json to read`);
    }
  }
  await constants.evaluate();
  return { name, commands: commands.map((command) => command()), files };
}
