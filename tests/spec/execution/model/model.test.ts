import { test } from '@fast-check/vitest';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, describe, expect } from 'vitest';
import {
  MANAGEMENT_CANISTER_ID,
  principalToBytes,
} from '../../../../src/protocol/crypto/principal.ts';
import type { SignedIngress } from '../../../../src/protocol/interfaces/replica.ts';
import type { CanisterId } from '../../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../../support/test-subnet.ts';
import { answer, call, op, program, type Code, type Program } from '../../../support/universal.ts';
import { universalWasm } from '../../../support/universal-module.ts';
import type { Action, ManagementMethod, Outcome, Step } from './actions.ts';
import { ReferenceModel } from './reference-model.ts';
import { CANISTERS, scenario } from './scenarios.ts';

const NO_ARGUMENTS = Uint8Array.from(IDL.encode([], []));
const InstallArgument = IDL.Record({
  mode: IDL.Variant({ install: IDL.Null, reinstall: IDL.Null, upgrade: IDL.Null }),
  canister_id: IDL.Principal,
  wasm_module: IDL.Vec(IDL.Nat8),
  arg: IDL.Vec(IDL.Nat8),
});

function noted(value: Code | number): Code {
  return op('global_append', op('int_to_blob', value));
}

/** The program that does what the model does. */
function compile(actions: readonly Action[], ids: readonly CanisterId[]): Program {
  return program(...actions.map((action) => codeOf(action, ids)));
}

function codeOf(action: Action, ids: readonly CanisterId[]): Code {
  switch (action.kind) {
    case 'note':
      return noted(action.value);
    case 'count': {
      const grow = program(op('drop_int', op('stable_grow', 1)));
      const sum = op('add', op('blob_to_int', op('stable_read', 0, 8)), action.by);
      const parts = [
        op('run_if', op('equal', op('stable_size'), 0), grow),
        op('stable_write', 0, op('int_to_blob', sum)),
      ];
      return { code: parts.flatMap(({ code }) => code) };
    }
    case 'accept':
      return noted(op('cycles_accept', action.cycles));
    case 'refunded':
      return noted(op('cycles_refunded'));
    case 'rejectCode':
      return noted(op('reject_code'));
    case 'reply':
      return answer(Uint8Array.of(action.value));
    case 'reject':
      return op('reject', 'no');
    case 'trap':
      return op('trap', 'on purpose');
    case 'unreachable':
      return op('unreachable');
    case 'call': {
      const isWait = action.to === 'nextRound';
      const callee = isWait ? MANAGEMENT_CANISTER_ID : (ids[action.to as number] as CanisterId);
      return call({
        callee: principalToBytes(callee),
        method: isWait ? 'raw_rand' : action.method,
        arg: isWait ? NO_ARGUMENTS : compile(action.body, ids).bytes,
        cycles: action.cycles,
        onReply: compile(action.onReply, ids),
        onReject: compile(action.onReject, ids),
        ...(action.onCleanup === null ? {} : { onCleanup: emptyIsOne(action.onCleanup, ids) }),
      });
    }
  }
}

/** An empty program would mean that there is no cleanup. */
function emptyIsOne(actions: readonly Action[], ids: readonly CanisterId[]): Program {
  return program(op('drop_int', 0), ...actions.map((action) => codeOf(action, ids)));
}

describe('reference model', () => {
  let wasm: Uint8Array;
  let ids: readonly CanisterId[];
  let begin: TestSubnet;

  beforeAll(async () => {
    wasm = await universalWasm();
    begin = new TestSubnet();
    ids = Array.from({ length: CANISTERS }, () => begin.createWith(wasm));
  });

  const manageMessage = (
    subnet: TestSubnet,
    method: ManagementMethod,
    canisterId: CanisterId,
  ): SignedIngress => {
    if (method !== 'upgrade' && method !== 'install' && method !== 'reinstall') {
      return subnet.manage(canisterId, method);
    }
    const arg = IDL.encode(
      [InstallArgument],
      [
        {
          mode: { [method]: null },
          canister_id: Principal.fromUint8Array(principalToBytes(canisterId)),
          wasm_module: wasm,
          arg: new Uint8Array(0),
        },
      ],
    );
    const message = subnet.ingress(MANAGEMENT_CANISTER_ID, 'install_code', Uint8Array.from(arg));
    return { ...message, effectiveCanisterId: canisterId };
  };

  const outcomeOf = (subnet: TestSubnet, message: SignedIngress): Outcome => {
    const status = subnet.statusOf(message);
    switch (status?.kind) {
      case 'replied':
        return { reply: status.reply.length === 1 ? (status.reply[0] as number) : null };
      case 'rejected':
        return { code: status.errorCode };
      default:
        return { open: true };
    }
  };

  /** What can be seen of a canister from outside. */
  const observe = (subnet: TestSubnet, canisterId: CanisterId): unknown => {
    const canister = subnet.state.canisters.get(canisterId);
    if (canister === undefined) {
      return { status: 'deleted' };
    }
    const { status, execution, calls } = canister;
    const busy = calls.contexts.length > 0;
    if (execution === null || status !== 'running') {
      return { status, installed: execution !== null, busy };
    }
    const seen = program(
      op(
        'run_if',
        op('less', 0, op('stable_size')),
        program(op('reply_append', op('stable_read', 0, 8))),
      ),
      op(
        'run_if',
        op('equal', op('stable_size'), 0),
        program(op('reply_append', op('int_to_blob', 0))),
      ),
      answer(op('global')),
    );
    const outcome = subnet.ask(canisterId, 'query', seen.bytes);
    const bytes = Buffer.from(outcome.kind === 'replied' ? outcome.reply : []);
    const numbers = Array.from({ length: bytes.length / 8 }, (_, at) =>
      Number(bytes.readBigUInt64LE(at * 8)),
    );
    const [counter, ...notes] = numbers;
    return { status, busy, counter, notes: notes.toSorted((a, b) => a - b) };
  };

  const expected = (model: ReferenceModel, at: number): unknown => {
    const { status, installed, notes, counter, contexts } = model.canisters[
      at
    ] as (typeof model.canisters)[0];
    if (status === 'deleted') {
      return { status };
    }
    const busy = contexts.size > 0;
    return installed && status === 'running'
      ? { status, busy, counter, notes: notes.toSorted((a, b) => a - b) }
      : { status, installed, busy };
  };

  const runBoth = (steps: readonly Step[]): void => {
    const model = new ReferenceModel(CANISTERS);
    const subnet = new TestSubnet();
    subnet.state = begin.state;
    subnet.adoptMessageCounter(begin);
    const messages: SignedIngress[] = [];
    const total = subnet.totalCycles();
    let lost = false;
    for (const step of [...steps, ...steps.slice(0, 2).map(() => ({ manage: null, calls: [] }))]) {
      // Callbacks of a canister name places in its heap: new code would run what the old one left there.
      const { manage } = step;
      const skips =
        manage !== null &&
        ['upgrade', 'reinstall', 'install'].includes(manage.method) &&
        model.awaits(manage.of);
      const done = { ...step, manage: skips ? null : manage };
      const round = [
        ...(done.manage === null
          ? []
          : [manageMessage(subnet, done.manage.method, ids[done.manage.of] as CanisterId)]),
        ...done.calls.map(({ to, method, body }) =>
          subnet.ingress(ids[to] as CanisterId, method, compile(body, ids).bytes),
        ),
      ];
      messages.push(...round);
      subnet.round(round);
      model.step(done);
      lost ||= done.manage?.method === 'delete_canister';
      expect(messages.map((message) => outcomeOf(subnet, message))).toEqual(
        model.outcomes.map(({ outcome }) => outcome),
      );
      expect(ids.map((id) => observe(subnet, id))).toEqual(ids.map((_, at) => expected(model, at)));
      if (!lost) {
        expect(subnet.totalCycles()).toBe(total);
      }
    }
  };

  test.prop([scenario], { numRuns: 70, seed: 4 })(
    'behaves as the abstract behaviour of the interface specification says',
    runBoth,
  );
});
