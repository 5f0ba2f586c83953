import { createHash } from 'node:crypto';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { encodeCanister } from '../../src/protocol/replicated-state/encode-state.ts';
import { decodeCanister } from '../../src/protocol/replicated-state/decode-state.ts';
import type { PageMap } from '../../src/protocol/replicated-state/page-map.ts';
import { MANAGEMENT_CANISTER_ID, principalToBytes } from '../../src/protocol/crypto/principal.ts';
import {
  CLASSROOM_EXECUTION_LIMITS,
  type ExecutionLimits,
} from '../../src/protocol/limits/execution.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { TestSubnet } from './test-subnet.ts';
import { answer, op, program, type Code } from './universal.ts';

const LIMITS: ExecutionLimits = {
  ...CLASSROOM_EXECUTION_LIMITS,
  messageInstructions: 50_000_000n,
  sliceInstructions: 10_000_000n,
  queryInstructions: 5_000_000n,
  installInstructions: 200_000_000n,
  installInstructionsPerRound: 0n,
};

/** A victim with state, and a bystander that must not notice what happens to it. */
export class HostileScene {
  readonly subnet: TestSubnet;
  readonly victim: CanisterId;
  readonly bystander: CanisterId;

  constructor(wasm: Uint8Array, limits: Partial<ExecutionLimits> = {}) {
    this.subnet = new TestSubnet({ ...LIMITS, ...limits });
    this.victim = this.subnet.createWith(wasm);
    this.bystander = this.subnet.createWith(wasm);
    for (const id of [this.victim, this.bystander]) {
      this.update(id, op('global_set', 'kept'), op('reply'));
    }
  }

  /** A reply as text, or the error. */
  update(canisterId: CanisterId, ...parts: readonly Code[]): string {
    return asText(this.subnet.call(canisterId, 'update', program(...parts).bytes).answer);
  }

  /** Code and memories of the victim. */
  memories(): readonly unknown[] {
    const { execution } = this.subnet.canister(this.victim);
    return execution === null
      ? []
      : [
          execution.moduleHash,
          execution.heapWasmPages,
          execution.stableWasmPages,
          execution.globals,
          digest(execution.heap),
          digest(execution.stable),
        ];
  }

  /** Whether the bystander answers within one round, no cycle is lost, and the state can be stored. */
  unharmed(): readonly string[] {
    const { subnet, bystander, victim } = this;
    const message = subnet.ingress(bystander, 'update', program(answer(op('global'))).bytes);
    subnet.round([message]);
    const found = [asText(subnet.answerOf(message)), `${subnet.imbalance} cycles too many`];
    for (const id of [bystander, victim]) {
      const canister = subnet.state.canisters.get(id);
      const decoded = canister === undefined ? undefined : decodeCanister(encodeCanister(canister));
      found.push(decoded === undefined ? 'gone' : decoded.ok ? 'stored' : decoded.error.message);
    }
    return found;
  }

  /** Calls `aaaaa-aa` with any bytes; waits for the answer. */
  manage(method: string, arg: Uint8Array, rounds = 1): string {
    const { subnet, victim } = this;
    const message = {
      ...subnet.ingress(MANAGEMENT_CANISTER_ID, method, arg),
      effectiveCanisterId: victim,
    };
    subnet.round([message]);
    for (let round = 1; round < rounds && subnet.answerOf(message) === 'processing'; round += 1) {
      subnet.round();
    }
    return asText(subnet.answerOf(message));
  }

  /** Upgrades the victim to a module; "" when it is installed. */
  upgrade(wasm: Uint8Array, rounds = 1): string {
    const arg = IDL.encode(
      [
        IDL.Record({
          mode: IDL.Variant({ upgrade: IDL.Opt(IDL.Record({})) }),
          canister_id: IDL.Principal,
          wasm_module: IDL.Vec(IDL.Nat8),
          arg: IDL.Vec(IDL.Nat8),
        }),
      ],
      [
        {
          mode: { upgrade: [] },
          canister_id: Principal.fromUint8Array(principalToBytes(this.victim)),
          wasm_module: wasm,
          arg: new Uint8Array(0),
        },
      ],
    );
    return this.manage('install_code', Uint8Array.from(arg), rounds);
  }
}

/** What `HostileScene.unharmed` says when all is well. */
export const UNHARMED: readonly string[] = ['kept', '0 cycles too many', 'stored', 'stored'];

function asText(said: string): string {
  return /^([0-9a-f]{2})*$/.test(said) ? Buffer.from(said, 'hex').toString('latin1') : said;
}

function digest(map: PageMap): string {
  const hash = createHash('sha256');
  for (const { index, bytes } of map.pages()) {
    hash.update(`${index} `).update(bytes);
  }
  return hash.digest('hex');
}
