import { assert, present } from '../../../../base/assert.ts';
import { compareText } from '../../../../base/bytes.ts';
import { createPrng } from '../../../../base/prng.ts';
import type { CryptoSuite } from '../../../crypto/suite.ts';
import type { DkgScheme } from '../../../interfaces/dkg.ts';
import { faultsTolerated } from '../../../registry/committee.ts';
import { dealSubnet } from '../../../registry/genesis.ts';
import type { DkgConfig, DkgDealing } from '../../../types/dkg.ts';
import type {
  NodeRecord,
  NodeSecrets,
  SubnetParameters,
  ThresholdTranscript,
} from '../../../types/genesis.ts';
import type { NodeId } from '../../../types/ids.ts';
import { createFeldmanScheme } from '../feldman.ts';

/** A subnet from the trusted dealer, some more nodes that may join it, and honest runs over them. */
const parameters: SubnetParameters = {
  subnetType: 'application',
  dkgIntervalLength: 19,
  unitDelayMs: 1000,
  initialNotaryDelayMs: 300,
  maxBlockPayloadBytes: 4 * 1024 * 1024,
  maxIngressMessagesPerBlock: 1000,
  maxIngressBytesPerMessage: 2 * 1024 * 1024,
};

/** A point of the keys' curve with x = 2, in no subgroup of prime order. */
export const OUTSIDE_SUBGROUP = Uint8Array.from({ length: 96 }, (_, i) =>
  i === 0 ? 0x80 : i === 95 ? 2 : 0,
);

/** A key with everybody's share of it. */
export interface SharedKey {
  readonly transcript: ThresholdTranscript;
  readonly shares: ReadonlyMap<NodeId, Uint8Array>;
}

export interface DkgFixture {
  readonly suite: CryptoSuite;
  readonly scheme: DkgScheme;
  readonly records: ReadonlyMap<NodeId, NodeRecord>;
  readonly secrets: ReadonlyMap<NodeId, NodeSecrets>;
  readonly members: readonly NodeId[];
  readonly strangers: readonly NodeId[];
  /** The trusted dealer's high key. */
  readonly genesisKey: SharedKey;
}

function listDealt(index: number, nodes: number, suite: CryptoSuite) {
  return dealSubnet({ seed: 'dkg', index, nodes, parameters, genesisTimeNs: 0n }, suite);
}

export function createDkgFixture(n: number, suite: CryptoSuite): DkgFixture {
  const dealt = listDealt(0, n, suite);
  const others = listDealt(1, 2, suite);
  const records = [...dealt.genesis.nodes, ...others.genesis.nodes];
  const secrets = [...dealt.secrets, ...others.secrets];
  return {
    suite,
    scheme: createFeldmanScheme(suite),
    records: new Map(records.map((record) => [record.nodeId, record])),
    secrets: new Map(secrets.map((secret) => [secret.nodeId, secret])),
    members: dealt.genesis.nodes.map((node) => node.nodeId),
    strangers: others.genesis.nodes.map((node) => node.nodeId),
    genesisKey: {
      transcript: dealt.genesis.highTranscript,
      shares: new Map(
        dealt.secrets.map((secret) => [
          secret.nodeId,
          present(secret.highShare, 'every first member has a share'),
        ]),
      ),
    },
  };
}

/** A fresh low key among the members, as a summary block lists it. */
export function freshConfig(fixture: DkgFixture, startHeight = 20): DkgConfig {
  const { members } = fixture;
  const f = faultsTolerated(members.length);
  return {
    id: { startHeight, tag: 'low' },
    dealers: members,
    receivers: members,
    threshold: f + 1,
    collectionThreshold: f + 1,
    registryVersion: 1,
    resharing: null,
  };
}

/** The high key dealt anew by its holders. */
export function resharingConfig(
  old: ThresholdTranscript,
  receivers: readonly NodeId[],
  startHeight = 20,
): DkgConfig {
  return {
    id: { startHeight, tag: 'high' },
    dealers: old.receivers,
    receivers: receivers.toSorted(compareText),
    threshold: receivers.length - faultsTolerated(receivers.length),
    collectionThreshold: old.threshold,
    registryVersion: 1,
    resharing: old,
  };
}

export function dealBy(
  fixture: DkgFixture,
  config: DkgConfig,
  dealer: NodeId,
  old?: SharedKey,
  records = fixture.records,
): DkgDealing {
  const entropy = createPrng(`${dealer} at ${String(config.id.startHeight)}`);
  const ownShare = old?.shares.get(dealer) ?? null;
  const content = fixture.scheme.deal(config, records, dealer, ownShare, entropy);
  return { id: config.id, dealer, content };
}

/** A dealing whose piece for `victim` is encrypted to somebody else; everything public is right. */
export function cheatOn(
  fixture: DkgFixture,
  config: DkgConfig,
  dealer: NodeId,
  victim: NodeId,
  old?: SharedKey,
): DkgDealing {
  const wrong = present(fixture.records.get(fixture.strangers[0] as NodeId), 'there are strangers');
  const records = new Map(fixture.records).set(victim, wrong);
  return dealBy(fixture, config, dealer, old, records);
}

/** Every receiver's share of the key these dealings make; all pieces must be good. */
export function finish(
  fixture: DkgFixture,
  config: DkgConfig,
  dealings: readonly DkgDealing[],
): SharedKey {
  const { scheme, records, secrets } = fixture;
  const transcript = scheme.combineDealings(config, dealings);
  assert(transcript.ok, 'the dealings make a key');
  const shares = new Map<NodeId, Uint8Array>();
  for (const nodeId of config.receivers) {
    const secret = present(secrets.get(nodeId), 'a receiver of the fixture');
    const pieces = new Map<NodeId, Uint8Array>();
    for (const dealing of dealings) {
      const entropy = createPrng('opening');
      const opening = scheme.openShare(config, records, dealing, secret, entropy);
      assert(opening.kind === 'good', 'an honest dealer deals good pieces');
      pieces.set(dealing.dealer, opening.share);
    }
    const share = scheme.combineShares(config, dealings, pieces);
    assert(share.ok, 'the pieces make a share');
    shares.set(nodeId, share.value);
  }
  return { transcript: transcript.value, shares };
}
