import { equalBytes } from '../../base/bytes.ts';
import { bytesToHex } from '../../base/hex.ts';
import { createLru, type Lru } from '../../base/lru.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { decodeStreamHeader, decodeStreamMessage } from '../canonical-state/decode-stream.ts';
import { stateRootSigningBytes } from '../crypto/certificate.ts';
import type { NodeCrypto } from '../interfaces/crypto.ts';
import { subnetEntry } from '../registry/network-topology.ts';
import type { StreamMessage, StreamSlice } from '../replicated-state/streams.ts';
import type { SubnetId } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import type { CertifiedSlice } from './slice-codec.ts';
import { sliceRoot } from './slice-witness.ts';
import { refusal, refuse, type XNetError } from './xnet-error.ts';

/** Signatures found good: what a node pulled itself comes back in blocks. */
const REMEMBERED_CERTIFICATIONS = 1024;

/** Reads the leaves of a slice; says nothing about whether they are true. */
export function readSlice(slice: CertifiedSlice): Result<StreamSlice, XNetError> {
  const header = decodeStreamHeader(slice.header);
  if (!header.ok) {
    return refuse('XNET_MALFORMED_SLICE', header.error.message);
  }
  const messages: StreamMessage[] = [];
  for (const encoded of slice.messages) {
    const message = decodeStreamMessage(encoded);
    if (!message.ok) {
      return refuse('XNET_MALFORMED_SLICE', message.error.message);
    }
    messages.push(message.value);
  }
  const { messagesBegin } = slice;
  const { begin, end } = header.value;
  const isWithin =
    messages.length === 0 || (begin <= messagesBegin && messagesBegin + messages.length <= end);
  return isWithin
    ? ok({ header: header.value, messagesBegin, messages })
    : err(refusal('XNET_MALFORMED_SLICE', 'messages outside of their stream'));
}

/** Checks that slices are what their subnet certified. */
export class SliceVerifier {
  readonly #receiver: SubnetId;
  readonly #crypto: Pick<NodeCrypto, 'verifySubnetSignature'>;
  readonly #good: Lru<true> = createLru<true>(REMEMBERED_CERTIFICATIONS);

  /** @param receiver the own subnet: the slice must be of the stream to it */
  constructor(receiver: SubnetId, crypto: Pick<NodeCrypto, 'verifySubnetSignature'>) {
    this.#receiver = receiver;
    this.#crypto = crypto;
  }

  /** That leaves and witness give the root which the slice says is certified. Costs hashing only. */
  checkRoot(slice: CertifiedSlice): XNetError | null {
    const root = sliceRoot(slice, this.#receiver);
    if (!root.ok) {
      return root.error;
    }
    return equalBytes(root.value, slice.certification.root)
      ? null
      : refusal('XNET_ROOT_MISMATCH', 'leaves and witness give another root than is certified');
  }

  /**
   * That the sending subnet signed that root.
   * Security: nothing is believed but the sender's key in the registry.
   */
  checkCertification(
    slice: CertifiedSlice,
    sender: SubnetId,
    topology: NetworkTopology,
  ): XNetError | null {
    const entry = subnetEntry(topology, sender);
    if (entry === undefined) {
      return refusal('XNET_UNKNOWN_SUBNET', `subnet ${sender} is not in the registry`);
    }
    return this.#isCertified(slice, entry.publicKeyDer)
      ? null
      : refusal('XNET_BAD_CERTIFICATION', `the root is not signed by subnet ${sender}`);
  }

  #isCertified({ certification }: CertifiedSlice, publicKeyDer: Uint8Array): boolean {
    const { root, signature } = certification;
    const name = [publicKeyDer, root, signature].map(bytesToHex).join(' ');
    if (this.#good.get(name) === true) {
      return true;
    }
    const isGood = this.#crypto.verifySubnetSignature(
      publicKeyDer,
      stateRootSigningBytes(root),
      signature,
    );
    if (isGood) {
      this.#good.set(name, true);
    }
    return isGood;
  }
}
