import {
  Actor,
  CertifiedRejectErrorCode,
  HttpAgent,
  RejectError,
  UncertifiedRejectErrorCode,
  UncertifiedRejectUpdateErrorCode,
} from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { present } from '../../base/assert.ts';
import type { Network } from '../../wire/network.ts';
import type { DidInterface, DidMethod } from '../candid/did-types.ts';
import { toIdlService } from '../candid/to-idl.ts';
import { type CanisterDesk, createCanisterDesk } from './canister-desk.ts';
import type { ManagementCanister } from './management.ts';
import { managementInterface } from './management.ts';

/** How the caller knows that an answer is the subnet's. */
export type Proof =
  | { readonly kind: 'certificate'; readonly timeNs: bigint | null }
  | { readonly kind: 'nodeSignatures'; readonly count: number }
  | { readonly kind: 'none' };

export type CallOutcome =
  | {
      readonly kind: 'replied';
      readonly values: readonly unknown[];
      readonly proof: Proof;
      readonly tookMs: number;
    }
  | {
      readonly kind: 'rejected';
      readonly rejectCode: number;
      readonly errorCode: string | null;
      readonly message: string;
      readonly proof: Proof;
      readonly tookMs: number;
    }
  | { readonly kind: 'failed'; readonly message: string; readonly tookMs: number };

/** `install` fills an empty canister; the others replace the code of a full one. */
export type InstallMode = 'install' | 'reinstall' | 'upgrade';

const CYCLES_AT_CREATION = 3_000_000_000_000n;

/** A client of the network: an unmodified agent that verifies every certificate and node signature. */
export interface WorkshopClient {
  readonly desk: CanisterDesk;
  /** On the subnet of that place in the topology. Answers the new canister's id as text. Throws the agent's error. */
  createCanister(subnet: number): Promise<string>;
  installCode(
    canisterId: string,
    mode: InstallMode,
    wasm: Uint8Array,
    arg: Uint8Array,
  ): Promise<void>;
  call(
    canisterId: string,
    did: DidInterface,
    method: DidMethod,
    args: readonly unknown[],
  ): Promise<CallOutcome>;
}

/** As much of it as a deployment needs. */
export type DeployClient = Pick<WorkshopClient, 'createCanister' | 'installCode'>;

export async function createWorkshopClient(network: Network): Promise<WorkshopClient> {
  const agent = await HttpAgent.create({
    host: location.origin,
    fetch: network.fetch,
    rootKey: network.rootKey(),
    shouldFetchRootKey: false,
    verifyQuerySignatures: true,
  });
  return {
    desk: createCanisterDesk(agent),
    createCanister: async (subnet) => {
      const range = present(
        network.topology().subnets[subnet]?.canisterRanges[0],
        'a subnet hosts canisters',
      );
      const management = managementActor(agent, Principal.fromHex(range[0]));
      const created = await management.provisional_create_canister_with_cycles({
        amount: [CYCLES_AT_CREATION],
        settings: [],
      });
      return created.canister_id.toText();
    },
    installCode: async (canisterId, mode, wasm, arg) => {
      const id = Principal.fromText(canisterId);
      await managementActor(agent, id).install_code({
        mode: { [mode]: mode === 'upgrade' ? UPGRADE : null },
        canister_id: id,
        wasm_module: wasm,
        arg,
      });
    },
    call: (canisterId, did, method, args) => {
      const run = method.mode === 'update' || method.mode === 'oneway' ? callUpdate : callQuery;
      return timed(() => run(agent, Principal.fromText(canisterId), did, method, args));
    },
  };
}

/** Motoko's enhanced persistence keeps the main memory over an upgrade. */
const UPGRADE = [{ skip_pre_upgrade: [], wasm_memory_persistence: [{ keep: null }] }];

function managementActor(agent: HttpAgent, target: Principal): ManagementCanister {
  return Actor.createActor<ManagementCanister & Record<never, never>>(() => managementInterface(), {
    agent,
    canisterId: Principal.managementCanister(),
    effectiveTarget: { canisterId: target },
  });
}

type Answer = Pick<CallOutcome & { readonly kind: 'replied' }, 'values' | 'proof'>;

async function callUpdate(
  agent: HttpAgent,
  canisterId: Principal,
  did: DidInterface,
  method: DidMethod,
  args: readonly unknown[],
): Promise<Answer> {
  const actor = Actor.createActorWithExtendedDetails(() => toIdlService(did), {
    agent,
    canisterId,
  });
  const { result, certificate } = await present(
    actor[method.name],
    'the form names a method',
  )(...args);
  const time = certificate?.lookup_path(['time']);
  return {
    values: resultValues(result, method.results.length),
    proof:
      certificate === undefined
        ? { kind: 'none' }
        : { kind: 'certificate', timeNs: time?.status === 'Found' ? readLeb128(time.value) : null },
  };
}

async function callQuery(
  agent: HttpAgent,
  canisterId: Principal,
  did: DidInterface,
  method: DidMethod,
  args: readonly unknown[],
): Promise<Answer> {
  const [, func] = present(
    toIdlService(did)._fields.find(([name]) => name === method.name),
    'the form names a method',
  );
  const arg = IDL.encode(func.argTypes, [...args]);
  const answer = await agent.query(canisterId, { methodName: method.name, arg });
  if (answer.status === 'rejected') {
    const { requestId, reject_code, reject_message, error_code, signatures } = answer;
    throw RejectError.fromCode(
      new UncertifiedRejectErrorCode(
        requestId,
        reject_code,
        reject_message,
        error_code,
        signatures,
      ),
    );
  }
  return {
    values: IDL.decode(func.retTypes, answer.reply.arg),
    proof: { kind: 'nodeSignatures', count: answer.signatures?.length ?? 0 },
  };
}

/** Agents unwrap one result and hand several over as a list. */
function resultValues(result: unknown, count: number): readonly unknown[] {
  return count === 0 ? [] : count === 1 ? [result] : (result as readonly unknown[]);
}

async function timed(run: () => Promise<Answer>): Promise<CallOutcome> {
  const startedMs = performance.now();
  try {
    const answer = await run();
    return { kind: 'replied', ...answer, tookMs: performance.now() - startedMs };
  } catch (reason) {
    return describeFailure(reason, performance.now() - startedMs);
  }
}

function describeFailure(reason: unknown, tookMs: number): CallOutcome {
  const code = reason instanceof RejectError ? reason.code : undefined;
  if (
    code instanceof CertifiedRejectErrorCode ||
    code instanceof UncertifiedRejectErrorCode ||
    code instanceof UncertifiedRejectUpdateErrorCode
  ) {
    return {
      kind: 'rejected',
      rejectCode: code.rejectCode,
      errorCode: code.rejectErrorCode ?? null,
      message: code.rejectMessage,
      proof: rejectProof(code),
      tookMs,
    };
  }
  return {
    kind: 'failed',
    message: reason instanceof Error ? reason.message : String(reason),
    tookMs,
  };
}

function rejectProof(
  code: CertifiedRejectErrorCode | UncertifiedRejectErrorCode | UncertifiedRejectUpdateErrorCode,
): Proof {
  if (code instanceof CertifiedRejectErrorCode) {
    return { kind: 'certificate', timeNs: null };
  }
  const signatures =
    code instanceof UncertifiedRejectErrorCode ? code.signatures?.length : undefined;
  return signatures === undefined
    ? { kind: 'none' }
    : { kind: 'nodeSignatures', count: signatures };
}

function readLeb128(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 7n) | BigInt(byte & 0x7f), 0n);
}
