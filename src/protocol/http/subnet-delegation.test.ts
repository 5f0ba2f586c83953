import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
import { subnetTopology } from '../canonical-state/canonical-state.ts';
import { encodeUleb128 } from '../../base/leb128.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { encodeCbor } from '../crypto/cbor.ts';
import {
  type CertificateDelegation,
  decodeCertificate,
  encodeCertificate,
  stateRootSigningBytes,
  verifyCertificate,
} from '../crypto/certificate.ts';
import { networkTrust, verifyCanisterSignature } from '../crypto/canister-signature.ts';
import { wrapBls } from '../crypto/der.ts';
import {
  type HashTree,
  hashTreeToCbor,
  lookupLabels,
  lookupPath,
  pruneTree,
  treeRoot,
} from '../crypto/hash-tree.ts';
import { sha256 } from '../crypto/sha256.ts';
import { createPrng } from '../../base/prng.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import { RootDelegation } from '../node/root-delegation.ts';
import type { HttpReply } from './http-error.ts';
import { INSECURE_TEST_SUITE } from '../crypto/insecure-test-crypto.ts';
import { labeledMap, leaf, witness } from '../crypto/labeled-tree.ts';
import { createNodeCrypto } from '../crypto/node-crypto.ts';
import { canisterIdFromU64, principalToBytes } from '../crypto/principal.ts';
import type { NodeCrypto } from '../interfaces/crypto.ts';
import { dealNetwork } from '../registry/deal-network.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import { acceptDelegation, type ShownRanges } from './subnet-delegation.ts';

const SUITE = INSECURE_TEST_SUITE;
const TIME_NS = 1_735_689_600_000_000_000n;
const dealt = dealNetwork(
  {
    seed: 'delegation',
    subnets: [
      { type: 'system', nodes: 1 },
      { type: 'application', nodes: 1 },
      { type: 'application', nodes: 1 },
    ],
    timing: { unitDelayMs: 1000, initialNotaryDelayMs: 300, dkgIntervalLength: 9 },
    limits: 'classroom',
    genesisTimeNs: TIME_NS,
  },
  SUITE,
);
const [root, own, other] = dealt.subnets.map(({ genesis, secrets }) => ({
  genesis,
  crypto: createNodeCrypto(genesis, present(secrets[0], 'a node'), SUITE),
}));
const { rootKeyDer } = dealt;
const ownId = present(own, 'a second subnet').genesis.subnetId;
const trust = {
  subnetId: ownId,
  rootKeyDer,
  crypto: present(own, 'a second subnet').crypto,
};
/** Twelve ranges of the second subnet: three leaves. */
const manyRanges: NetworkTopology = {
  ...dealt.topology,
  routingTable: Array.from({ length: 12 }, (_, index) => ({
    first: BigInt(index) * 1000n,
    last: BigInt(index) * 1000n + 99n,
    subnetId: ownId,
  })),
};

const path = (...labels: readonly string[]) =>
  labels.map((label) => (label === 'ID' ? principalToBytes(ownId) : encodeUtf8(label)));
const PATHS = [
  path('time'),
  path('subnet', 'ID', 'public_key'),
  path('subnet', 'ID', 'type'),
  path('subnet', 'ID', 'canister_ranges'),
  path('canister_ranges', 'ID'),
];

interface Answer {
  readonly timeNs?: bigint;
  readonly topology?: NetworkTopology;
  readonly paths?: typeof PATHS;
  readonly signer?: typeof root | undefined;
  readonly isDelegated?: boolean;
}

/** What a node of the root subnet answers. */
function answer({
  topology = dealt.topology,
  paths = PATHS,
  signer = root,
  isDelegated,
  timeNs = TIME_NS,
}: Answer = {}) {
  const { genesis } = present(root, 'a root subnet');
  const known = subnetTopology(genesis, rootKeyDer, topology);
  const state = labeledMap([
    [encodeUtf8('canister_ranges'), known.canisterRanges],
    [encodeUtf8('subnet'), known.subnets],
    [encodeUtf8('time'), leaf(encodeUleb128(timeNs))],
  ]);
  const tree = witness(state, paths);
  const signature = signed(present(signer, 'a signer').crypto, treeRoot(tree));
  const delegation = { subnetId: genesis.subnetId, certificate: new Uint8Array(1) };
  const certificate = encodeCertificate({
    tree,
    signature,
    ...(isDelegated === true && { delegation }),
  });
  return reply(encodeCbor({ certificate }, { selfDescribed: true }));
}

/** By the key of a subnet of one node. */
function signed(crypto: NodeCrypto, rootHash: Uint8Array): Uint8Array {
  const message = stateRootSigningBytes(rootHash);
  const signature = present(crypto.signThreshold('high', message), 'it holds a share');
  const combined = crypto.combineThreshold('high', message, [{ signer: crypto.nodeId, signature }]);
  return combined.kind === 'combined' ? combined.signature : new Uint8Array(48);
}

function reply(body: Uint8Array) {
  return { status: 200, contentType: 'application/cbor', body };
}

function shown(ranges: ShownRanges, topology?: NetworkTopology) {
  const accepted = acceptDelegation(answer(topology && { topology }), trust);
  if (!accepted.ok) {
    throw new RangeError(accepted.error.message);
  }
  const decoded = decodeCertificate(accepted.value.show(ranges).certificate);
  if (!decoded.ok) {
    throw new RangeError(decoded.error.message);
  }
  return decoded.value;
}

describe('the delegation of a subnet', () => {
  it('shows key, type and time always, ranges in the form that is asked for', () => {
    const shardOf = canisterIdFromU64(1n << 20n);
    for (const [ranges, flat, shards] of [
      ['flat', true, 0],
      ['none', false, 0],
      [{ shardOf }, false, 1],
    ] as const) {
      const { tree } = shown(ranges);
      expect(lookupPath(tree, path('subnet', 'ID', 'public_key'))).toEqual(
        trust.crypto.subnetPublicKeyDer,
      );
      expect(lookupPath(tree, path('subnet', 'ID', 'type'))).toEqual(encodeUtf8('application'));
      expect(lookupPath(tree, path('time'))).toBeDefined();
      expect(lookupPath(tree, path('subnet', 'ID', 'canister_ranges')) !== undefined).toBe(flat);
      expect(lookupLabels(tree, path('canister_ranges', 'ID'))).toHaveLength(shards);
    }
  });

  it.each([
    [0n, 0n],
    [4_999n, 0n],
    [5_000n, 5_000n],
    [11_050n, 10_000n],
  ])('shows of several leaves the one that canister %s may be in', (id, first) => {
    const { tree } = shown({ shardOf: canisterIdFromU64(id) }, manyRanges);
    expect(lookupLabels(tree, path('canister_ranges', 'ID'))).toEqual([
      principalToBytes(canisterIdFromU64(first)),
    ]);
  });

  it('makes a certificate of the subnet verify under the root key, and for its canisters only', () => {
    const tree = witness(labeledMap([[encodeUtf8('time'), leaf(encodeUleb128(TIME_NS))]]), [
      path('time'),
    ]);
    const signature = signed(trust.crypto, treeRoot(tree));
    const accepted = acceptDelegation(answer(), trust);
    const check = (canisterId = canisterIdFromU64(1n << 20n), key = rootKeyDer) => {
      for (const ranges of ['flat', { shardOf: canisterId }] as const) {
        const delegation = accepted.ok ? accepted.value.show(ranges) : undefined;
        const certificate = { tree, signature, ...(delegation && { delegation }) };
        const options = { rootKeyDer: key, bls: SUITE.bls, canisterId };
        const verified = verifyCertificate(certificate, options);
        if (!verified.ok) {
          return verified.error.code;
        }
      }
      return 'verified';
    };
    expect(check()).toBe('verified');
    expect(check(canisterIdFromU64(1n))).toBe('CANISTER_OUT_OF_RANGE');
    expect(check(canisterIdFromU64(2n << 20n))).toBe('CANISTER_OUT_OF_RANGE');
    const stranger = wrapBls(present(other, 'a third subnet').genesis.highTranscript.publicKey);
    expect(check(undefined, stranger)).toBe('BAD_SIGNATURE');
  });

  it.each<readonly [string, ReturnType<typeof reply>]>([
    ['MALFORMED_DELEGATION', reply(new Uint8Array(0))],
    ['MALFORMED_DELEGATION', reply(encodeCbor({ certificate: new Uint8Array(40) }))],
    ['MALFORMED_DELEGATION', answer({ isDelegated: true })],
    ['BAD_SIGNATURE', answer({ signer: own })],
    ['WRONG_SUBNET_KEY', answer({ paths: PATHS.filter((_, index) => index !== 1) })],
    [
      'WRONG_SUBNET_KEY',
      answer({
        topology: {
          ...dealt.topology,
          subnets: dealt.topology.subnets.map((entry) => ({ ...entry, publicKeyDer: rootKeyDer })),
        },
      }),
    ],
    ['INCOMPLETE_DELEGATION', answer({ paths: PATHS.slice(1) })],
    ['INCOMPLETE_DELEGATION', answer({ paths: PATHS.slice(0, 4) })],
    ['INCOMPLETE_DELEGATION', answer({ paths: PATHS.filter((_, index) => index !== 2) })],
    ['INCOMPLETE_DELEGATION', answer({ paths: PATHS.filter((_, index) => index !== 3) })],
  ])('is refused with %s (case %#)', (code, wrong) => {
    const refused = acceptDelegation(wrong, trust);
    expect(refused.ok ? 'accepted' : refused.error.code).toBe(code);
  });
});

describe('a node that keeps its delegation', () => {
  const SECOND = 1_000_000_000n;

  /** Answers each request in turn; the moments at which it asked. */
  function asks(answers: readonly (HttpReply | null)[]) {
    const trace: TraceEvent[] = [];
    let operations = 0;
    const delegation = new RootDelegation({
      ...trust,
      topology: () => dealt.topology,
      nextOperation: () => {
        operations += 1;
        return operations;
      },
      chance: createPrng('asks'),
      onTrace: (event) => trace.push(event),
    });
    const atNs: bigint[] = [];
    const times: (bigint | undefined)[] = [];
    let nowNs = 0n;
    for (const reply of answers) {
      nowNs = delegation.nextWakeNs() ?? nowNs;
      const [effect] = delegation.takeEffects(nowNs);
      if (effect?.kind !== 'fetch') {
        throw new RangeError('it asks nobody');
      }
      expect([effect.to, effect.subnetId]).toEqual([
        present(root, 'a root').genesis.nodes[0]?.nodeId,
        dealt.topology.rootSubnetId,
      ]);
      expect(delegation.takeEffects(nowNs), 'one request at a time').toEqual([]);
      expect(delegation.fetched(effect.operationId + 1, reply, nowNs), 'of another').toBe(false);
      expect(delegation.fetched(effect.operationId, reply, nowNs)).toBe(true);
      atNs.push(nowNs);
      times.push(delegation.current()?.timeNs);
    }
    return { atNs, times, trace };
  }

  it('asks again after ever longer pauses, and renews every five minutes', () => {
    const starting = { ...reply(new Uint8Array(0)), status: 503 };
    const failures = [null, starting, null, starting, null, null, null, null, null, null];
    const { atNs, times } = asks([...failures, answer(), answer()]);
    const pauses = atNs.slice(1).map((at, index) => at - (atNs[index] ?? 0n));
    expect(pauses[0]).toBeLessThanOrEqual(SECOND / 4n);
    expect(pauses.slice(0, 10).every((pause) => pause > 0n && pause <= 15n * SECOND)).toBe(true);
    expect(pauses[9]).toBeGreaterThanOrEqual((15n * SECOND) / 2n);
    expect(pauses[10]).toBe(300n * SECOND);
    expect(times).toEqual([...failures.map(() => undefined), TIME_NS, TIME_NS]);
  });

  it('names what a root node tells wrongly, and keeps what it has', () => {
    const newer = answer({ timeNs: TIME_NS + 5n });
    const forged = answer({ signer: own, timeNs: TIME_NS + 9n });
    const { times, trace } = asks([forged, newer, forged, answer()]);
    expect(times).toEqual([undefined, TIME_NS + 5n, TIME_NS + 5n, TIME_NS + 5n]);
    const from = present(root, 'a root').genesis.nodes[0]?.nodeId;
    const refused = { kind: 'packetRejected', from, code: 'BAD_SIGNATURE' };
    expect(trace).toEqual([expect.objectContaining(refused), expect.objectContaining(refused)]);
  });
});

describe('a signature of a canister of another subnet', () => {
  const canisterId = canisterIdFromU64(1n << 20n);
  const id = principalToBytes(canisterId);
  const seed = Uint8Array.of(1, 2);
  const message = encodeUtf8('signed');
  const rawKey = Uint8Array.of(id.length, ...id, ...seed);
  const signatures: HashTree = [
    2,
    encodeUtf8('sig'),
    [2, sha256(seed), [2, sha256(message), [3, new Uint8Array(0)]]],
  ];
  const state = labeledMap([
    [
      encodeUtf8('canister'),
      labeledMap([[id, labeledMap([[encodeUtf8('certified_data'), leaf(treeRoot(signatures))]])]]),
    ],
  ]);
  const tree = witness(state, [[encodeUtf8('canister'), id, encodeUtf8('certified_data')]]);

  const verdict = (delegation: CertificateDelegation | undefined, rootKey = rootKeyDer) => {
    const signature = signed(trust.crypto, treeRoot(tree));
    const certificate = encodeCertificate({ tree, signature, ...(delegation && { delegation }) });
    const encoded = encodeCbor({ certificate, tree: hashTreeToCbor(signatures) });
    const believed = networkTrust(present(root, 'a root subnet').crypto, rootKey);
    const verified = verifyCanisterSignature(rawKey, message, encoded, believed);
    return verified.ok ? 'valid' : verified.error.message;
  };

  it('is believed under the root key, with a delegation that shows the type of the subnet', () => {
    const accepted = acceptDelegation(answer(), trust);
    const delegation = accepted.ok ? accepted.value.show('flat') : undefined;
    expect(verdict(delegation)).toBe('valid');
    expect(verdict(undefined)).toMatch(/not signed by the expected subnet key/u);
    expect(verdict(delegation, trust.crypto.subnetPublicKeyDer)).toMatch(/not signed/u);
    const untyped = decodeCertificate(delegation?.certificate ?? new Uint8Array(0));
    const shownPaths = [PATHS[0], PATHS[1], PATHS[3]].filter((one) => one !== undefined);
    const pruned = untyped.ok && {
      subnetId: ownId,
      certificate: encodeCertificate({
        ...untyped.value,
        tree: pruneTree(untyped.value.tree, shownPaths),
      }),
    };
    expect(pruned && verdict(pruned)).toMatch(/does not show the type of the subnet/u);
  });
});
