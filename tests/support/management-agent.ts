import { Actor, pollForResponse, type HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { decodeForwarded, forwardTo } from './caller-wat.ts';
import { decodeReply, encodeArgument, METHODS, type MethodName } from './management-interface.ts';

/** The whole management canister behind an unmodified agent, by users and by canisters. */

const Amount = IDL.Record({ canister_id: IDL.Principal, amount: IDL.Opt(IDL.Nat) });
const UPDATES = {
  ...METHODS,
  provisional_top_up_canister: IDL.Func([Amount], []),
} as const;
const QUERIES = [
  'canister_status',
  'canister_metrics',
  'fetch_canister_logs',
  'canister_info',
] as const satisfies readonly MethodName[];

type Anything = Readonly<Record<string, unknown>>;
type Method = (argument: object) => Promise<unknown>;
export type Caller = <T = Anything>(method: keyof typeof UPDATES, argument?: object) => Promise<T>;

function effectiveId([argument]: unknown[], fallback: Principal): Principal {
  const record = argument as Readonly<Record<string, unknown>>;
  const named = record['target_canister'] ?? record['canister_id'] ?? record['specified_id'];
  const id = Array.isArray(named) ? (named[0] as unknown) : named;
  return id instanceof Principal ? id : fallback;
}

function actorOf(
  agent: HttpAgent,
  about: Principal,
  service: IDL.InterfaceFactory,
): Readonly<Record<string, Method>> {
  const transform = (_method: string, args: unknown[]): { effectiveCanisterId: Principal } => ({
    effectiveCanisterId: effectiveId(args, about),
  });
  return Actor.createActor<Readonly<Record<string, Method>>>(service, {
    agent,
    canisterId: Principal.managementCanister(),
    callTransform: transform,
    queryTransform: transform,
  });
}

/** Calls as a user; `canister_id` is `about` unless the argument names another. */
export function updatesOf(agent: HttpAgent, about: Principal): Caller {
  const actor = actorOf(agent, about, () => IDL.Service(UPDATES));
  const defaults = { canister_id: about, sender_canister_version: [] };
  return async <T>(method: keyof typeof UPDATES, argument: object = {}) =>
    (await actor[method]?.({ ...defaults, ...argument })) as T;
}

/** The same as queries. */
export function queriesOf(agent: HttpAgent, about: Principal): Caller {
  const functions = QUERIES.map((name) => {
    const { argTypes, retTypes } = METHODS[name];
    return [name, IDL.Func(argTypes, retTypes, ['query'])] as const;
  });
  const actor = actorOf(agent, about, () => IDL.Service(Object.fromEntries(functions)));
  return async <T>(method: keyof typeof UPDATES, argument: object = {}) =>
    (await actor[method]?.({ canister_id: about, ...argument })) as T;
}

export interface Forwarding {
  /** Reply of the management canister, decoded; a reject is thrown as "code: text". */
  call<T = Anything>(method: MethodName, argument: object): Promise<T>;
  raw(method: string, arg: Uint8Array, cycles?: bigint): Promise<Buffer>;
}

/**
 * Calls of the management canister by a canister with `CALLER_WAT`, which an agent tells to.
 * @param settle makes the rounds that an answer may need beyond the first
 */
export function forwardingBy(
  agent: HttpAgent,
  canisterId: Principal,
  settle: () => void,
): Forwarding {
  const raw = async (method: string, arg: Uint8Array, cycles = 0n): Promise<Buffer> => {
    const { requestId } = await agent.call(canisterId, {
      methodName: 'forward',
      arg: forwardTo('', method, cycles, arg),
      callSync: false,
    });
    settle();
    const { reply } = await pollForResponse(agent, { canisterId }, requestId);
    const answer = decodeForwarded(Buffer.from(reply).toString('hex'));
    if (!('data' in answer)) {
      throw new Error(`${answer.code}: ${answer.text}`);
    }
    return answer.data;
  };
  return {
    raw,
    call: async <T>(method: MethodName, argument: object) =>
      decodeReply<T>(method, Uint8Array.from(await raw(method, encodeArgument(method, argument)))),
  };
}
