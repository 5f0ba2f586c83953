import { opNames } from './universal-module.ts';

/** Programs of the universal canister, written as nested calls: operands first, then the op code. */

/** Code that leaves at most one value on a stack. */
export interface Code {
  readonly code: readonly number[];
}

/** A number or text stands for itself; a program, as a value, for its bytes. */
export type Operand = bigint | number | string | Uint8Array | Code | Program;

/** A sequence of code that a canister can be told to run. */
export class Program {
  readonly bytes: Uint8Array;

  constructor(parts: readonly Code[]) {
    this.bytes = Uint8Array.from(parts.flatMap(({ code }) => code));
  }
}

export function program(...parts: readonly Code[]): Program {
  return new Program(parts);
}

const CODES: ReadonlyMap<string, number> = new Map(opNames().map((name, code) => [name, code]));

function codeOf(name: string): number {
  const code = CODES.get(name);
  if (code === undefined) {
    throw new RangeError(`the universal canister has no op code ${name}`);
  }
  return code;
}

function littleEndian(value: bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, at) =>
    Number((BigInt.asUintN(64, value) >> BigInt(8 * at)) & 0xffn),
  );
}

function literal(bytes: Uint8Array): number[] {
  return [codeOf('blob'), ...littleEndian(BigInt(bytes.length), 4), ...bytes];
}

function push(operand: Operand): readonly number[] {
  if (typeof operand === 'bigint' || typeof operand === 'number') {
    return [codeOf('int'), ...littleEndian(BigInt(operand), 8)];
  }
  if (typeof operand === 'string') {
    return literal(new TextEncoder().encode(operand));
  }
  if (operand instanceof Uint8Array) {
    return literal(operand);
  }
  return operand instanceof Program ? literal(operand.bytes) : operand.code;
}

/** An op code with its operands, in the order of the README. */
export function op(name: string, ...operands: readonly Operand[]): Code {
  return { code: [...operands.flatMap(push), codeOf(name)] };
}

/** Answers with a value. */
export function answer(value: Operand): Code {
  return { code: [...op('reply_append', value).code, ...op('reply').code] };
}

/** Answers with a number: eight bytes, little-endian. */
export function answerInt(value: Operand): Code {
  return answer(op('int_to_blob', value));
}

export interface UniversalCall {
  /** Bytes of the callee's id. */
  readonly callee: Operand;
  /** Default: `update`. */
  readonly method?: Operand;
  readonly arg?: Operand;
  readonly cycles?: Operand;
  /** Default: answer with the reply. */
  readonly onReply?: Program;
  /** Default: reject with the text. */
  readonly onReject?: Program;
  readonly onCleanup?: Program;
  /** Seconds; makes it a call with best-effort response. */
  readonly timeout?: number;
}

/** Makes a call; when it cannot be sent, rejects with "call_perform failed". */
export function call(to: UniversalCall): Code {
  const onReply = to.onReply ?? program(answer(op('arg')));
  const onReject = to.onReject ?? program(op('reject', op('reject_message')));
  const parts = [
    op('call', to.callee, to.method ?? 'update', onReply, onReject, to.onCleanup ?? program()),
    ...(to.arg === undefined ? [] : [op('call_arg', to.arg)]),
    ...(to.cycles === undefined ? [] : [op('call_cycles', to.cycles)]),
    ...(to.timeout === undefined ? [] : [op('call_timeout', to.timeout)]),
    op('run_if', op('perform'), program(op('reject', 'call_perform failed'))),
  ];
  return { code: parts.flatMap(({ code }) => code) };
}
