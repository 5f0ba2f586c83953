import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../../base/utf8.ts';
import type { SignatureShare } from '../interfaces/crypto.ts';
import { faultsTolerated } from '../registry/committee.ts';
import { dealSubnet, validateGenesis } from '../registry/genesis.ts';
import type { NodeId } from '../types/ids.ts';
import type { SubnetParameters } from '../types/genesis.ts';
import { wrapBls } from './der.ts';
import { INSECURE_TEST_SUITE } from './insecure-test-crypto.ts';
import { createNodeCrypto } from './node-crypto.ts';
import { subnetIdOfKey } from './principal.ts';
import { createRealSuite } from './real-suite.ts';
import type { CryptoSuite } from './suite.ts';

const parameters: SubnetParameters = {
  subnetType: 'application',
  dkgIntervalLength: 19,
  unitDelayMs: 1000,
  initialNotaryDelayMs: 300,
  maxBlockPayloadBytes: 4 * 1024 * 1024,
  maxIngressMessagesPerBlock: 1000,
  maxIngressBytesPerMessage: 2 * 1024 * 1024,
};
const message = encodeUtf8('notarize me');

function deal(nodes: number, suite: CryptoSuite, seed = 'seed', index = 0) {
  return dealSubnet({ seed, index, nodes, parameters, genesisTimeNs: 0n }, suite);
}

describe.each([
  ['bls12-381', createRealSuite(), [1, 4]],
  ['insecure-test-crypto', INSECURE_TEST_SUITE, [1, 4, 7, 13, 40]],
] as const)('node crypto over %s', (_, suite, sizes) => {
  describe.each(sizes)('with %i nodes', (n) => {
    const dealt = deal(n, suite);
    const cryptos = dealt.secrets.map((secrets) => createNodeCrypto(dealt.genesis, secrets, suite));
    const judge = cryptos[0] as (typeof cryptos)[0];
    const f = faultsTolerated(n);
    const multiShares = (): SignatureShare[] =>
      cryptos.map((crypto) => ({ signer: crypto.nodeId, signature: crypto.signMulti(message) }));

    it('signs basic', () => {
      const last = cryptos.at(-1) as (typeof cryptos)[0];
      const signature = last.signBasic(message);
      expect(judge.verifyBasic(last.nodeId, message, signature)).toBe(true);
      expect(judge.verifyBasic(last.nodeId, encodeUtf8('x'), signature)).toBe(false);
      expect(judge.verifyBasic('00' as NodeId, message, signature)).toBe(false);
    });

    it('combines multi-signatures', () => {
      const shares = multiShares();
      const outcome = judge.combineMulti(message, [...shares, shares[0] as SignatureShare], n - f);
      expect(outcome.kind).toBe('combined');
      if (outcome.kind === 'combined') {
        expect(outcome.signers).toHaveLength(n);
        expect(judge.verifyMulti(message, outcome.signers, outcome.signature)).toBe(true);
        expect(judge.verifyMulti(encodeUtf8('x'), outcome.signers, outcome.signature)).toBe(false);
        expect(judge.verifyMulti(message, outcome.signers.slice(1), outcome.signature)).toBe(false);
        const twice = [...outcome.signers, outcome.signers[0] as NodeId];
        expect(judge.verifyMulti(message, twice, outcome.signature)).toBe(false);
      }
    });

    it.each(['low', 'high'] as const)(
      'combines the %s threshold to the same signature from any shares',
      (tag) => {
        const t = judge.thresholdOf(tag);
        expect(t).toBe(tag === 'low' ? f + 1 : n - f);
        const shares = cryptos.map((crypto) => ({
          signer: crypto.nodeId,
          signature: crypto.signThreshold(tag, message) as Uint8Array,
        }));
        for (const share of shares.slice(0, 2)) {
          expect(judge.verifyThresholdShare(tag, share.signer, message, share.signature)).toBe(
            true,
          );
        }
        const first = judge.combineThreshold(tag, message, shares.slice(0, t));
        const last = judge.combineThreshold(tag, message, shares.slice(-t));
        expect(first.kind).toBe('combined');
        expect(last).toMatchObject({
          kind: 'combined',
          signature: first.kind === 'combined' && first.signature,
        });
        expect(
          first.kind === 'combined' && judge.verifyThreshold(tag, message, first.signature),
        ).toBe(true);
        expect(judge.combineThreshold(tag, message, shares.slice(0, t - 1))).toEqual({
          kind: 'liars',
          liars: [],
        });
      },
    );

    it("checks another subnet's signature by its key", () => {
      const { genesis, secrets } = deal(1, suite, 'another', 1);
      const [only] = secrets.map((own) => createNodeCrypto(genesis, own, suite));
      const share = only?.signThreshold('high', message) ?? new Uint8Array(0);
      const signed = only?.combineThreshold('high', message, [
        { signer: only.nodeId, signature: share },
      ]);
      const signature = signed?.kind === 'combined' ? signed.signature : new Uint8Array(0);
      const key = wrapBls(genesis.highTranscript.publicKey);
      expect(judge.verifySubnetSignature(key, message, signature)).toBe(true);
      expect(judge.verifySubnetSignature(key, encodeUtf8('x'), signature)).toBe(false);
      expect(judge.verifySubnetSignature(judge.subnetPublicKeyDer, message, signature)).toBe(false);
      expect(judge.verifySubnetSignature(key.slice(1), message, signature)).toBe(false);
    });

    it('names the liars', () => {
      if (n === 1) {
        return expect(judge.combineMulti(message, [], 1)).toEqual({ kind: 'liars', liars: [] });
      }
      const shares = multiShares();
      const liar = cryptos[1] as (typeof cryptos)[0];
      shares[1] = { signer: liar.nodeId, signature: liar.signMulti(encodeUtf8('something else')) };
      shares[2] = { signer: (cryptos[2] as typeof liar).nodeId, signature: new Uint8Array(48) };
      const outcome = judge.combineMulti(message, shares, n - f);
      expect(outcome).toEqual({ kind: 'liars', liars: [shares[1].signer, shares[2].signer] });

      const threshold = cryptos.map((crypto) => ({
        signer: crypto.nodeId,
        signature: crypto.signThreshold('high', message) as Uint8Array,
      }));
      threshold[0] = {
        signer: judge.nodeId,
        signature: (threshold[1] as SignatureShare).signature,
      };
      expect(judge.combineThreshold('high', message, threshold)).toEqual({
        kind: 'liars',
        liars: [judge.nodeId],
      });
      const stranger = { signer: '00' as NodeId, signature: new Uint8Array(48) };
      expect(judge.combineThreshold('high', message, [stranger, ...threshold])).toEqual({
        kind: 'liars',
        liars: ['00'],
      });
      expect(judge.combineMulti(message, [stranger], 1)).toEqual({ kind: 'liars', liars: ['00'] });
      return undefined;
    });

    it('counts', () => {
      expect(judge.counters().blsVerify).toBeGreaterThan(0);
      expect(judge.counters().ed25519Verify).toBe(3);
    });
  });
});

describe('genesis', () => {
  const suite = createRealSuite();
  const dealt = deal(4, suite);

  it('is deterministic in the seed and differs between seeds and subnets', () => {
    expect(deal(4, createRealSuite())).toEqual(dealt);
    expect(deal(4, suite, 'other').genesis.subnetId).not.toBe(dealt.genesis.subnetId);
    const second = deal(4, suite, 'seed', 1);
    expect(second.genesis.subnetId).not.toBe(dealt.genesis.subnetId);
    expect(second.genesis.canisterRanges).toEqual([[1_048_576n, 2_097_151n]]);
  });

  it('names the subnet after its key and validates', () => {
    const { genesis } = dealt;
    expect(genesis.subnetId).toBe(subnetIdOfKey(wrapBls(genesis.highTranscript.publicKey)));
    expect(validateGenesis(genesis, suite)).toEqual({ ok: true, value: null });
  });

  it('survives structured cloning', () => {
    expect(structuredClone(dealt)).toEqual(dealt);
  });

  it('is refused when inconsistent', () => {
    const { genesis } = dealt;
    const [first, second, ...rest] = genesis.nodes;
    if (first === undefined || second === undefined) {
      throw new TypeError('four nodes were dealt');
    }
    const broken = [
      { ...genesis, nodes: [second, first, ...rest] },
      { ...genesis, nodes: [] },
      {
        ...genesis,
        nodes: [{ ...first, committeeKeyPop: second.committeeKeyPop }, second, ...rest],
      },
      { ...genesis, nodes: [{ ...first, dkgKeyPop: second.dkgKeyPop }, second, ...rest] },
      {
        ...genesis,
        nodes: [
          { ...first, dkgPublicKey: second.dkgPublicKey, dkgKeyPop: second.dkgKeyPop },
          second,
          ...rest,
        ],
      },
      {
        ...genesis,
        nodes: [{ ...first, nodePublicKeyDer: second.nodePublicKeyDer }, second, ...rest],
      },
      { ...genesis, subnetId: first.nodeId as unknown as typeof genesis.subnetId },
      { ...genesis, lowTranscript: { ...genesis.lowTranscript, threshold: 1 } },
      { ...genesis, highTranscript: { ...genesis.highTranscript, coefficients: [] } },
      { ...genesis, highTranscript: { ...genesis.highTranscript, receivers: [] } },
    ];
    for (const [i, item] of broken.entries()) {
      expect(validateGenesis(item, suite), String(i)).toMatchObject({
        ok: false,
        error: { code: 'INVALID_GENESIS' },
      });
    }
    expect(validateGenesis(genesis, INSECURE_TEST_SUITE).ok).toBe(false);
    expect(() => createNodeCrypto(genesis, dealt.secrets[0] as never, INSECURE_TEST_SUITE)).toThrow(
      'suite',
    );
  });
});
