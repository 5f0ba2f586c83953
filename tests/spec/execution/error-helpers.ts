import { IDL } from '@icp-sdk/core/candid';
import { canisterIdFromU64, principalToBytes } from '../../../src/protocol/crypto/principal.ts';
import type { CanisterId } from '../../../src/protocol/types/ids.ts';
import { call, op, program, type Code, type Program } from '../../support/universal.ts';
import type { ErrorScene } from './error-scene.ts';

/** One way to get an error. */
export interface Row {
  readonly code: number;
  readonly text: string | RegExp;
  readonly make: (scene: ErrorScene) => string;
  readonly limits?: ConstructorParameters<typeof ErrorScene>[1];
}

export const HELP = 'https://internetcomputer.org/docs/current/references/execution-errors#';
export const FOREIGN = canisterIdFromU64(1n << 40n);
export const SECOND_NS = 1_000_000_000n;

/** Bytes of an id, as canisters name each other. */
export const bytes = (canisterId: CanisterId): Uint8Array => principalToBytes(canisterId);

/** Makes an update call reject with "code: text" of what it called. */
const codeAndText = program(
  op(
    'reject',
    op(
      'concat',
      op('bytes', op('add', op('reject_code'), 48), 1),
      op('concat', ': ', op('reject_message')),
    ),
  ),
);

/** A call whose reject becomes the caller's own: see `unwrap`. */
export const forward = (callee: Uint8Array, method: string, arg: Uint8Array, cycles = 0): Code =>
  call({ callee, method, arg, cycles, onReject: codeAndText });

/** An error as the calling canister saw it, which said it in a reject: code and text without the rest. */
export function unwrap(rejectCode: number, text: string): string {
  const prefix = `IC0406: ${rejectCode}: `;
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

/** The same of the management canister, which tells canisters no codes but the first digit. */
export function unwrapManagement(code: number, text: string): string {
  const prefix = `IC0406: ${Math.floor(code / 100)}: `;
  return text.startsWith(prefix) ? `IC0${code}: ${text.slice(prefix.length)}` : text;
}

/** Calls `raw_rand` again and again: a call that never ends. */
export function endless(scene: ErrorScene): void {
  const arg = Uint8Array.from(IDL.encode([], []));
  const loop: Program = program(
    call({
      callee: new Uint8Array(0),
      method: 'raw_rand',
      arg,
      onReply: program(op('eval', op('global'))),
    }),
  );
  const start = program(op('global_set', loop.bytes), op('eval', op('global')));
  scene.subnet.round([scene.subnet.ingress(scene.a, 'update', start.bytes)]);
}
