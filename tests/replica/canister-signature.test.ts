import { HttpAgent, requestIdOf, type Identity } from '@icp-sdk/core/agent';
import {
  AttributesIdentity,
  Delegation,
  DelegationChain,
  DelegationIdentity,
  Ed25519KeyIdentity,
} from '@icp-sdk/core/identity';
import type { Principal } from '@icp-sdk/core/principal';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeCbor } from '../../src/protocol/crypto/cbor.ts';
import { wrapCanisterSignatureKey } from '../../src/protocol/crypto/der.ts';
import { domainSeparated } from '../../src/protocol/crypto/domain.ts';
import { hashTreeToCbor, treeRoot, type HashTree } from '../../src/protocol/crypto/hash-tree.ts';
import { sha256 } from '../../src/protocol/crypto/sha256.ts';
import { compareBytes } from '../../src/base/bytes.ts';
import { managementCanister } from '../support/management.ts';
import { TestReplica } from '../support/test-replica.ts';
import { answer, op, program, type Code } from '../support/universal.ts';
import { universalWasm } from '../support/universal-module.ts';
import { compileWat } from '../support/wat.ts';

/** Users whose key is a canister's word, as Internet Identity makes them: a delegation signed by a canister. */

const SEED = Uint8Array.of(1, 2, 3);
const NO_BYTES = new Uint8Array(0);
const text = (label: string): Uint8Array => new TextEncoder().encode(label);
const INFO = text('{"email":"ada@example.org"}');

/** Replies the data and then the signer of what is said of the caller. */
const TELLER = `(module
  (import "ic0" "msg_caller_info_data_size" (func $data_size (result i32)))
  (import "ic0" "msg_caller_info_data_copy" (func $data_copy (param i32 i32 i32)))
  (import "ic0" "msg_caller_info_signer_size" (func $signer_size (result i32)))
  (import "ic0" "msg_caller_info_signer_copy" (func $signer_copy (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (memory 1)
  (func $tell
    (call $data_copy (i32.const 0) (i32.const 0) (call $data_size))
    (call $append (i32.const 0) (call $data_size))
    (call $signer_copy (i32.const 0) (i32.const 0) (call $signer_size))
    (call $append (i32.const 0) (call $signer_size))
    (call $reply))
  (export "canister_update tell" (func $tell))
  (export "canister_query ask" (func $tell)))`;

describe('an identity whose delegation a canister signed', () => {
  const replica = new TestReplica();
  const session = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(61));
  const other = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(62));
  const expiry = BigInt(Date.now() + 600_000) * 1_000_000n;
  let agent: HttpAgent;
  let signer: Principal;
  let key: Uint8Array;
  let signature: Uint8Array;
  let teller: Principal;

  const run = async (by: HttpAgent, ...parts: readonly Code[]): Promise<Uint8Array> => {
    const arg = program(...parts).bytes;
    return (await by.update(signer, { methodName: 'update', arg })).reply;
  };
  const delegationTo = (identity: Ed25519KeyIdentity): Delegation =>
    new Delegation(identity.getPublicKey().toDer(), expiry);
  /** The tree that holds a canister's signatures of two messages. */
  const treeOf = (first: Uint8Array, second: Uint8Array): HashTree => {
    const a: HashTree = [2, sha256(first), [3, NO_BYTES]];
    const b: HashTree = [2, sha256(second), [3, NO_BYTES]];
    const fork: HashTree = compareBytes(sha256(first), sha256(second)) < 0 ? [1, a, b] : [1, b, a];
    return [2, text('sig'), [2, sha256(SEED), fork]];
  };
  const install = async (wasm: Uint8Array): Promise<Principal> => {
    const management = managementCanister(agent, replica.firstCanisterId());
    const made = await management.provisional_create_canister_with_cycles({
      amount: [],
      settings: [],
      specified_id: [],
    });
    await management.install_code({
      mode: { install: null },
      canister_id: made.canister_id,
      wasm_module: wasm,
      arg: NO_BYTES,
    });
    return made.canister_id;
  };
  const identityOf = (
    identity: Ed25519KeyIdentity,
    signed: Uint8Array,
    publicKey = key,
  ): DelegationIdentity => {
    const chain = DelegationChain.fromDelegations(
      [{ delegation: delegationTo(identity), signature: signed as never }],
      publicKey as never,
    );
    return DelegationIdentity.fromDelegation(identity, chain);
  };
  const agentAs = async (identity: Identity): Promise<HttpAgent> =>
    await HttpAgent.create({
      host: 'http://replica.test',
      fetch: replica.fetch,
      rootKey: replica.rootKey,
      identity,
      retryTimes: 0,
    });
  const agentOf = async (...by: Parameters<typeof identityOf>): Promise<HttpAgent> =>
    await agentAs(identityOf(...by));

  beforeAll(async () => {
    agent = await replica.agent(Ed25519KeyIdentity.generate(new Uint8Array(32).fill(60)));
    signer = await install(await universalWasm());
    teller = await install(await compileWat(TELLER));
    key = wrapCanisterSignatureKey(signer.toUint8Array(), SEED);
    const { pubkey, expiration } = delegationTo(session);
    const hash = Uint8Array.from(requestIdOf({ pubkey, expiration }));
    const tree = treeOf(domainSeparated('delegation', hash), domainSeparated('senderInfo', INFO));
    await run(agent, op('certified_data_set', treeRoot(tree)), op('reply'));
    const asked = await agent.query(signer, {
      methodName: 'query',
      arg: program(answer(op('certificate'))).bytes,
    });
    const certificate = asked.status === 'replied' ? asked.reply.arg : NO_BYTES;
    signature = encodeCbor({ certificate, tree: hashTreeToCbor(tree) }, { selfDescribed: true });
  }, 60_000);

  it('calls and asks under the name of the canister’s key', async () => {
    const user = await agentOf(session, signature);
    const name = await user.getPrincipal();
    expect(await run(user, answer(op('caller')))).toEqual(name.toUint8Array());
    const asked = await user.query(signer, {
      methodName: 'query',
      arg: program(answer(op('caller'))).bytes,
    });
    expect(asked.status === 'replied' && asked.reply.arg).toEqual(name.toUint8Array());
  });

  it.each([
    ['another session key', () => agentOf(other, signature), 'tree does not hold'],
    [
      'another seed',
      () =>
        agentOf(
          session,
          signature,
          wrapCanisterSignatureKey(signer.toUint8Array(), Uint8Array.of(9)),
        ),
      'tree does not hold',
    ],
    [
      'another canister',
      () =>
        agentOf(
          session,
          signature,
          wrapCanisterSignatureKey(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9, 1, 1), SEED),
        ),
      'does not show the root',
    ],
    [
      'a changed certificate',
      () =>
        agentOf(
          session,
          signature.map((byte, at) => (at === 80 ? byte ^ 1 : byte)),
        ),
      '',
    ],
    ['no certificate', () => agentOf(session, Uint8Array.of(0xa0)), 'no certificate'],
  ] as const)('is refused with %s', async (_name, make, why) => {
    const user = await make();
    const { message } = await run(user, op('reply')).then(
      () => new Error('it was accepted'),
      (error: unknown) => error as Error,
    );
    expect(message).toContain('Invalid delegation: The canister signature is not valid: ');
    expect(message).toContain(why);
  });

  /** The user with what the canister says of it. */
  const described = (changes: { info?: Uint8Array; by?: Principal; inner?: Identity } = {}) =>
    new AttributesIdentity({
      inner: changes.inner ?? identityOf(session, signature),
      attributes: { data: changes.info ?? INFO, signature },
      signer: { canisterId: changes.by ?? signer },
    });

  it('brings along what the canister says of it, to updates and to queries', async () => {
    const user = await agentAs(described());
    const told = Uint8Array.from([...INFO, ...signer.toUint8Array()]);
    const call = { methodName: 'tell', arg: NO_BYTES };
    expect((await user.update(teller, call)).reply).toEqual(told);
    const ask = { methodName: 'ask', arg: NO_BYTES };
    const asked = await user.query(teller, ask);
    expect(asked.status === 'replied' && asked.reply.arg).toEqual(told);
    // The same user and question without it: the node must not answer from the one before.
    const plain = await (await agentOf(session, signature)).query(teller, ask);
    expect(plain.status === 'replied' && plain.reply.arg).toEqual(NO_BYTES);
  });

  it.each([
    ['other words', () => described({ info: text('{"email":"eve"}') }), 'tree does not hold'],
    ['the name of another canister', () => described({ by: teller }), 'does not match canister ID'],
    [
      'a key of its own',
      () => described({ inner: session }),
      'sender_pubkey is not a valid canister signature public key',
    ],
  ] as const)('is refused when it brings along %s', async (_name, make, why) => {
    const user = await agentAs(make());
    const ask = { methodName: 'ask', arg: NO_BYTES };
    const { message } = await user.query(teller, ask).then(
      () => new Error('it was accepted'),
      (error: unknown) => error as Error,
    );
    expect(message).toContain('Invalid sender info: ');
    expect(message).toContain(why);
  });
});
