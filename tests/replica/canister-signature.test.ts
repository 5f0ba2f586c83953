import { HttpAgent, requestIdOf } from '@icp-sdk/core/agent';
import {
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
import { managementCanister } from '../support/management.ts';
import { TestReplica } from '../support/test-replica.ts';
import { answer, op, program, type Code } from '../support/universal.ts';
import { universalWasm } from '../support/universal-module.ts';

/** Users whose key is a canister's word, as Internet Identity makes them: a delegation signed by a canister. */

const SEED = Uint8Array.of(1, 2, 3);
const NO_BYTES = new Uint8Array(0);
const text = (label: string): Uint8Array => new TextEncoder().encode(label);

describe('an identity whose delegation a canister signed', () => {
  const replica = new TestReplica();
  const session = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(61));
  const other = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(62));
  const expiry = BigInt(Date.now() + 600_000) * 1_000_000n;
  let agent: HttpAgent;
  let signer: Principal;
  let key: Uint8Array;
  let signature: Uint8Array;

  const run = async (by: HttpAgent, ...parts: readonly Code[]): Promise<Uint8Array> => {
    const arg = program(...parts).bytes;
    return (await by.update(signer, { methodName: 'update', arg })).reply;
  };
  const delegationTo = (identity: Ed25519KeyIdentity): Delegation =>
    new Delegation(identity.getPublicKey().toDer(), expiry);
  /** The tree that holds a canister's signature of one message. */
  const treeOf = (message: Uint8Array): HashTree => [
    2,
    text('sig'),
    [2, sha256(SEED), [2, sha256(message), [3, NO_BYTES]]],
  ];
  const agentOf = async (
    identity: Ed25519KeyIdentity,
    signed: Uint8Array,
    publicKey = key,
  ): Promise<HttpAgent> => {
    const chain = DelegationChain.fromDelegations(
      [{ delegation: delegationTo(identity), signature: signed as never }],
      publicKey as never,
    );
    return await HttpAgent.create({
      host: 'http://replica.test',
      fetch: replica.fetch,
      rootKey: replica.rootKey,
      identity: DelegationIdentity.fromDelegation(identity, chain),
      retryTimes: 0,
    });
  };

  beforeAll(async () => {
    agent = await replica.agent(Ed25519KeyIdentity.generate(new Uint8Array(32).fill(60)));
    const management = managementCanister(agent, replica.firstCanisterId());
    const made = await management.provisional_create_canister_with_cycles({
      amount: [],
      settings: [],
      specified_id: [],
    });
    signer = made.canister_id;
    await management.install_code({
      mode: { install: null },
      canister_id: signer,
      wasm_module: await universalWasm(),
      arg: NO_BYTES,
    });
    key = wrapCanisterSignatureKey(signer.toUint8Array(), SEED);
    const { pubkey, expiration } = delegationTo(session);
    const hash = Uint8Array.from(requestIdOf({ pubkey, expiration }));
    const tree = treeOf(domainSeparated('delegation', hash));
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
});
