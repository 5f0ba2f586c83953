import { Actor, HttpAgent, type ActorSubclass, type Identity } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { hexToBytes } from '../base/hex.ts';
import { codedError, err, ok } from '../base/result.ts';
import type { CanisterId } from '../protocol/types/ids.ts';
import type { Network, NetworkError, NetworkErrorCode, NetworkResult } from './network.ts';

/**
 * A copy of a canister, made by a client as on the IC: a snapshot of the one, loaded into a new one.
 * Both hosts fork this way; nothing goes past consensus.
 */
export interface ForkOptions {
  /** Whose calls these are: a controller of the canister; it becomes the copy's. Anonymous if absent. */
  readonly identity?: Identity;
  /** Balance of the copy; the subnet's default if absent. */
  readonly cycles?: bigint;
}

interface ForkMethods {
  provisional_create_canister_with_cycles(argument: object): Promise<Target>;
  take_canister_snapshot(argument: object): Promise<{ readonly id: Uint8Array }>;
  load_canister_snapshot(argument: object): Promise<void>;
  delete_canister_snapshot(argument: object): Promise<void>;
  stop_canister(argument: Target): Promise<void>;
  delete_canister(argument: Target): Promise<void>;
}
interface Target {
  readonly canister_id: Principal;
}

const MAX_CANISTER_ID_BYTES = 29;

export async function forkCanister(
  network: Pick<Network, 'fetch' | 'rootKey'>,
  canisterId: CanisterId,
  { identity, cycles }: ForkOptions = {},
): NetworkResult<CanisterId> {
  const bytes = typeof canisterId === 'string' ? hexToBytes(canisterId) : undefined;
  if (bytes === undefined || bytes.length === 0 || bytes.length > MAX_CANISTER_ID_BYTES) {
    return refusal('INVALID_ARGUMENT', 'A canister is named by its id in hex.');
  }
  const source = Principal.fromUint8Array(bytes);
  try {
    const agent = await HttpAgent.create({
      host: 'http://subnet.invalid',
      fetch: network.fetch,
      rootKey: network.rootKey(),
      shouldFetchRootKey: false,
      ...(identity === undefined ? {} : { identity }),
    });
    const copy = await copyOf((about) => management(agent, about), source, cycles);
    return ok(copy.toHex().toLowerCase() as CanisterId);
  } catch (error) {
    return refusal('FORK_FAILED', error instanceof Error ? error.message : String(error));
  }
}

function refusal(code: NetworkErrorCode, message: string) {
  return err<NetworkError>(codedError('input', code, message));
}

/** The snapshot goes again in any case, and so does a copy that could not be filled. */
async function copyOf(
  actorFor: (about: Principal) => ForkMethods,
  source: Principal,
  cycles: bigint | undefined,
): Promise<Principal> {
  const ofSource = actorFor(source);
  const { id: snapshot_id } = await ofSource.take_canister_snapshot({ canister_id: source });
  try {
    // The subnet that hosts the source also hosts the copy.
    const created = await ofSource.provisional_create_canister_with_cycles({
      amount: cycles === undefined ? [] : [cycles],
    });
    const ofCopy = actorFor(created.canister_id);
    try {
      await ofCopy.load_canister_snapshot({ canister_id: created.canister_id, snapshot_id });
    } catch (error) {
      await ofCopy.stop_canister(created);
      await ofCopy.delete_canister(created);
      throw error;
    }
    return created.canister_id;
  } finally {
    await ofSource.delete_canister_snapshot({ canister_id: source, snapshot_id });
  }
}

function management(agent: HttpAgent, about: Principal): ActorSubclass<ForkMethods> {
  return Actor.createActor<ForkMethods>(forkInterface, {
    agent,
    canisterId: Principal.managementCanister(),
    effectiveTarget: { canisterId: about },
  });
}

const forkInterface: IDL.InterfaceFactory = () => {
  const target = IDL.Record({ canister_id: IDL.Principal });
  const snapshot = IDL.Record({ canister_id: IDL.Principal, snapshot_id: IDL.Vec(IDL.Nat8) });
  return IDL.Service({
    provisional_create_canister_with_cycles: IDL.Func(
      [IDL.Record({ amount: IDL.Opt(IDL.Nat) })],
      [target],
    ),
    take_canister_snapshot: IDL.Func([target], [IDL.Record({ id: IDL.Vec(IDL.Nat8) })]),
    load_canister_snapshot: IDL.Func([snapshot], []),
    delete_canister_snapshot: IDL.Func([snapshot], []),
    stop_canister: IDL.Func([target], []),
    delete_canister: IDL.Func([target], []),
  });
};
