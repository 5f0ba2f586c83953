import { present } from '../../../base/assert.ts';
import { encodeUtf8 } from '../../../base/utf8.ts';
import { NO_STREAM_TREE, streamTree } from '../../canonical-state/stream-tree.ts';
import { stateRootSigningBytes } from '../../crypto/certificate.ts';
import { INSECURE_TEST_SUITE } from '../../crypto/insecure-test-crypto.ts';
import { digest, labeledMap, leaf, type LabeledTree } from '../../crypto/labeled-tree.ts';
import { createNodeCrypto } from '../../crypto/node-crypto.ts';
import { canisterIdFromU64 } from '../../crypto/principal.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import type { NodeCrypto } from '../../interfaces/crypto.ts';
import { dealSubnet } from '../../registry/genesis.ts';
import { genesisTopology } from '../../registry/network-topology.ts';
import { EMPTY_STREAM, type Stream, type StreamMessage } from '../../replicated-state/streams.ts';
import type { SubnetGenesis, SubnetType } from '../../types/genesis.ts';
import type { SubnetId } from '../../types/ids.ts';
import type { NetworkTopology } from '../../types/network-topology.ts';
import type { CertifiedTree } from '../cut-slice.ts';

/** Two subnets and certified states that hold streams, without the nodes that make them. */

export interface TestSubnet {
  readonly genesis: SubnetGenesis;
  readonly id: SubnetId;
  readonly crypto: NodeCrypto;
  /** The state of a height with these streams, signed by the subnet. */
  certify(height: number, streams: ReadonlyMap<SubnetId, TestStream>): CertifiedTree;
}

export type TestStream = Pick<Stream, 'begin' | 'messages' | 'signalsEnd'> & Partial<Stream>;

export interface TestNetwork {
  readonly topology: NetworkTopology;
  readonly a: TestSubnet;
  readonly b: TestSubnet;
}

export function requestOf(n: number, argBytes = 4): StreamMessage {
  return {
    kind: 'request',
    receiver: canisterIdFromU64(2n ** 20n),
    sender: canisterIdFromU64(1n),
    callbackId: n,
    cycles: 0n,
    methodName: 'm',
    arg: new Uint8Array(argBytes).fill(n % 256),
    callTree: { depth: 1, startTimeNs: 5n },
    deadlineNs: 0n,
  };
}

export function requests(from: number, to: number, argBytes?: number): readonly StreamMessage[] {
  return Array.from({ length: to - from }, (_, i) => requestOf(from + i, argBytes));
}

function treeOf(own: SubnetId, given: ReadonlyMap<SubnetId, TestStream>): LabeledTree {
  const streams = new Map(
    [...given].map(([id, stream]): [SubnetId, Stream] => [id, { ...EMPTY_STREAM, ...stream }]),
  );
  return labeledMap([
    [encodeUtf8('canister'), labeledMap([])],
    [encodeUtf8('metadata'), leaf(Uint8Array.of(1))],
    [encodeUtf8('streams'), streamTree(streams, own, NO_STREAM_TREE).tree],
    [encodeUtf8('time'), leaf(Uint8Array.of(2))],
  ]);
}

function testSubnet(index: number, subnetType: SubnetType, suite: CryptoSuite): TestSubnet {
  const { genesis, secrets } = dealSubnet(
    {
      seed: 'xnet',
      index,
      nodes: 1,
      parameters: {
        subnetType,
        dkgIntervalLength: 19,
        unitDelayMs: 1000,
        initialNotaryDelayMs: 300,
        maxBlockPayloadBytes: 4 * 1024 * 1024,
        maxIngressMessagesPerBlock: 1000,
        maxIngressBytesPerMessage: 2 * 1024 * 1024,
      },
      genesisTimeNs: 0n,
    },
    suite,
  );
  const own = present(secrets[0], 'a node was dealt');
  const crypto = createNodeCrypto(genesis, own, suite);
  return {
    genesis,
    id: genesis.subnetId,
    crypto,
    certify(height, streams) {
      const tree = treeOf(genesis.subnetId, streams);
      const text = stateRootSigningBytes(digest(tree));
      const share = present(crypto.signThreshold('high', text), 'it holds the share');
      const shares = [{ signer: crypto.nodeId, signature: share }];
      const combined = crypto.combineThreshold('high', text, shares);
      const signature = combined.kind === 'combined' ? combined.signature : new Uint8Array(0);
      return { tree, height, signature };
    },
  };
}

export function testNetwork(
  types: readonly [SubnetType, SubnetType] = ['application', 'application'],
  suite: CryptoSuite = INSECURE_TEST_SUITE,
): TestNetwork {
  const a = testSubnet(0, types[0], suite);
  const b = testSubnet(1, types[1], suite);
  return { topology: genesisTopology([a.genesis, b.genesis]), a, b };
}
