import { encodeUtf8 } from '../../../base/utf8.ts';
import type { BlsSuite } from '../../crypto/suite.ts';
import type { NodeRecord } from '../../types/genesis.ts';
import type { NodeId } from '../../types/ids.ts';
import { type LogStatement, proveLog, verifyLog } from './discrete-log-proof.ts';

/**
 * The key a node receives dealings with. Its proof of possession names the node, so that nobody
 * registers another node's key, or one made from it, as its own.
 */
function statementOf(nodeId: NodeId, publicKey: Uint8Array): LogStatement {
  return {
    domain: 'subnetarium-feldman-receiver-key',
    context: encodeUtf8(nodeId),
    pairs: [{ base: null, point: publicKey }],
  };
}

/** Proof that `nodeId` knows the secret of its DKG key, 64 bytes. */
export function proveReceiverKey(
  bls: BlsSuite,
  nodeId: NodeId,
  dkgSecretKey: Uint8Array,
): Uint8Array {
  return proveLog(bls, statementOf(nodeId, bls.publicKey(dkgSecretKey)), dkgSecretKey);
}

/** Whether the record's DKG key is a point whose secret its node knows. */
export function verifyReceiverKey(
  bls: BlsSuite,
  record: Pick<NodeRecord, 'nodeId' | 'dkgPublicKey' | 'dkgKeyPop'>,
): boolean {
  return verifyLog(bls, statementOf(record.nodeId, record.dkgPublicKey), record.dkgKeyPop);
}
