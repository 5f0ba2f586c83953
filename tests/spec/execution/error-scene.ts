import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import {
  MANAGEMENT_CANISTER_ID,
  principalToBytes,
  principalToText,
} from '../../../src/protocol/crypto/principal.ts';
import type { SignedIngress } from '../../../src/protocol/interfaces/replica.ts';
import {
  CLASSROOM_EXECUTION_LIMITS,
  type ExecutionLimits,
} from '../../../src/protocol/limits/execution.ts';
import type { CanisterState } from '../../../src/protocol/replicated-state/canister-state.ts';
import type { CanisterId } from '../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { program, type Code } from '../../support/universal.ts';

/** Small enough that each limit can be reached in a test. */
const LIMITS: ExecutionLimits = {
  ...CLASSROOM_EXECUTION_LIMITS,
  messageInstructions: 20_000_000n,
  queryInstructions: 300_000_000n,
  installInstructionsPerRound: 0n,
};
const MIB = 1n << 20n;
/** Memory that a few pages fill. */
export const LITTLE_MEMORY: Partial<ExecutionLimits> = {
  subnetMemoryBytes: 2n * 40n * MIB,
  subnetMemoryThresholdBytes: 2n * 20n * MIB,
  callbackMemoryBytes: 2n * MIB,
};

type Fields = Readonly<Record<string, readonly [IDL.Type, unknown]>>;

/** A subnet with two universal canisters, for one error. */
export class ErrorScene {
  readonly subnet: TestSubnet;
  readonly wasm: Uint8Array;
  readonly a: CanisterId;
  readonly b: CanisterId;

  constructor(wasm: Uint8Array, limits: Partial<ExecutionLimits> = {}) {
    this.wasm = wasm;
    this.subnet = new TestSubnet({ ...LIMITS, ...limits });
    this.a = this.subnet.createWith(wasm);
    this.b = this.subnet.createWith(wasm);
  }

  /** Answer of an update call of `a`. */
  update(...parts: readonly Code[]): string {
    return this.subnet.call(this.a, 'update', program(...parts).bytes).answer;
  }

  /** A reply as UTF-8, or the error. */
  query(method: string, ...parts: readonly Code[]): string {
    return this.subnet.answerTo(this.a, method, program(...parts).bytes);
  }

  /** A call of the management canister about `a`. */
  message(method: string, fields: Fields = {}): SignedIngress {
    const all: Fields = { canister_id: [IDL.Principal, this.principal(this.a)], ...fields };
    const record = IDL.Record(
      Object.fromEntries(Object.entries(all).map(([name, [type]]) => [name, type])),
    );
    const value = Object.fromEntries(Object.entries(all).map(([name, [, field]]) => [name, field]));
    const arg = Uint8Array.from(IDL.encode([record], [value]));
    const message = this.subnet.ingress(MANAGEMENT_CANISTER_ID, method, arg);
    return { ...message, effectiveCanisterId: this.a };
  }

  manage(method: string, fields: Fields = {}): string {
    return this.run(this.message(method, fields));
  }

  /** Rounds until the message is answered. */
  run(message: SignedIngress): string {
    this.subnet.round([message]);
    for (let rounds = 0; rounds < 20; rounds += 1) {
      const answer = this.subnet.answerOf(message);
      if (answer !== 'processing' && answer !== 'received') {
        return answer;
      }
      this.subnet.round();
    }
    return this.subnet.answerOf(message);
  }

  /** `update_settings` of one setting. */
  set(name: string, value: bigint): string {
    const settings = IDL.Record({ [name]: IDL.Nat });
    return this.manage('update_settings', { settings: [settings, { [name]: value }] });
  }

  install(mode: 'install' | 'reinstall' | 'upgrade', wasm: Uint8Array = this.wasm): string {
    const modes = IDL.Variant({ install: IDL.Null, reinstall: IDL.Null, upgrade: IDL.Null });
    const blob = IDL.Vec(IDL.Nat8);
    return this.manage('install_code', {
      mode: [modes, { [mode]: null }],
      wasm_module: [blob, wasm],
      arg: [blob, new Uint8Array(0)],
    });
  }

  edit(change: Partial<CanisterState>, canisterId = this.a): void {
    const { state } = this.subnet;
    const canister = { ...this.subnet.canister(canisterId), ...change };
    this.subnet.state = { ...state, canisters: state.canisters.set(canisterId, canister) };
  }

  principal(canisterId: CanisterId): Principal {
    return Principal.fromUint8Array(principalToBytes(canisterId));
  }

  /** With the ids of the scene's canisters by name. */
  named(text: string): string {
    return text
      .replaceAll(principalToText(this.a), '{a}')
      .replaceAll(principalToText(this.b), '{b}')
      .replaceAll(principalToText(this.subnet.env.subnetId), '{subnet}');
  }
}
