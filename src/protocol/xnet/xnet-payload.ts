import { MAX_SLICE_BYTES, MIN_SLICE_BYTES } from '../limits/xnet.ts';
import type {
  BatchPayload,
  InductedSlice,
  Validation,
  ValidationContext,
  XNetSlice,
} from '../interfaces/replica.ts';
import type { Streams, StreamSlice } from '../replicated-state/streams.ts';
import type { Height, RegistryVersion, SubnetId } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import { decodeSlice, encodeSlice, type CertifiedSlice } from './slice-codec.ts';
import { endOf, sizeOfSlice, type SlicePool } from './slice-pool.ts';
import {
  checkIndexes,
  expectedIndexes,
  messageLimit,
  ownIndexes,
  type SliceExpectation,
} from './slice-rules.ts';
import { sliceRange } from './slice-witness.ts';
import { readSlice, type SliceVerifier } from './verify-slice.ts';
import { refusal, type XNetError } from './xnet-error.ts';

export interface XNetPayloadDeps {
  readonly subnetId: SubnetId;
  readonly pool: Pick<SlicePool, 'get'>;
  readonly verifier: SliceVerifier;
  /** Undefined while the registry version is not known here. */
  readonly topologyAt: (version: RegistryVersion) => NetworkTopology | undefined;
  /** Own streams of that height, or of the oldest state kept if that is later; undefined = not there yet. */
  readonly streamsAt: (
    height: Height,
  ) => { readonly streams: Streams; readonly height: Height } | undefined;
}

interface DecodedSlice {
  readonly certified: CertifiedSlice;
  readonly stream: StreamSlice;
}

interface Situation {
  readonly topology: NetworkTopology;
  readonly streams: Streams;
  /** The state is that of the context, no later one. */
  readonly isExact: boolean;
  readonly past: readonly BatchPayload[];
}

/**
 * The slices of other subnets' streams in blocks: chosen from the pool, checked in others' blocks.
 *
 * Liveness: whatever a pool holds fits the next block of its node. Security: every notary checks
 * each slice against the certified state and the chain itself, so each message is inducted once and
 * in order, whoever makes blocks.
 * @upstream rs/xnet/payload_builder/src/lib.rs
 */
export class XNetPayloads {
  readonly #deps: XNetPayloadDeps;
  /** A block's slices are read when it is built or checked, as part of the past, and when it is executed. */
  readonly #decoded = new WeakMap<Uint8Array, DecodedSlice>();

  constructor(deps: XNetPayloadDeps) {
    this.#deps = deps;
  }

  /** Slices for a block, ascending by subnet, of `maxBytes` together at most. */
  build(
    context: ValidationContext,
    past: readonly BatchPayload[],
    maxBytes: number,
  ): readonly XNetSlice[] {
    const situation = this.#situation(context, past);
    if (situation === undefined) {
      return [];
    }
    const others = situation.topology.subnets.filter(
      ({ subnetId }) => subnetId !== this.#deps.subnetId,
    );
    // Another subnet is first at each height, so that none is left out for long when room is scarce.
    const first = (context.certifiedHeight + past.length) % Math.max(1, others.length);
    const slices: XNetSlice[] = [];
    let room = Math.min(maxBytes, MAX_SLICE_BYTES);
    for (const { subnetId: from } of [...others.slice(first), ...others.slice(0, first)]) {
      const slice = room < MIN_SLICE_BYTES ? undefined : this.#take(from, situation, room);
      if (slice !== undefined) {
        room -= slice.length;
        slices.push({ from, slice });
      }
    }
    return slices.toSorted((a, b) => Number(a.from > b.from) - Number(a.from < b.from));
  }

  /** Judges the slices of a block. Undecided: this node lacks the state or the registry version. */
  validate(
    slices: readonly XNetSlice[],
    context: ValidationContext,
    past: readonly BatchPayload[],
  ): Validation {
    const bytes = slices.reduce((sum, { slice }) => sum + slice.length, 0);
    if (bytes > MAX_SLICE_BYTES) {
      return invalid(refusal('XNET_PAYLOAD_TOO_LARGE', `slices of ${bytes} bytes`));
    }
    if (slices.some(({ from }, at) => at > 0 && (slices[at - 1]?.from ?? '') >= from)) {
      return invalid(refusal('XNET_SUBNETS_NOT_ASCENDING', 'one slice a subnet, in their order'));
    }
    if (this.#deps.topologyAt(context.registryVersion) === undefined) {
      return { kind: 'undecided', code: 'REGISTRY_VERSION_NOT_AVAILABLE' };
    }
    const situation = this.#situation(context, past);
    if (situation === undefined) {
      return { kind: 'undecided', code: 'STATE_NOT_AVAILABLE' };
    }
    for (const { from, slice } of slices) {
      const failure = this.#check(from, slice, situation);
      if (failure !== null) {
        return invalid(failure);
      }
    }
    return { kind: 'valid' };
  }

  /** The slice of a finalized block, which n − f nodes checked; undefined = it is none. */
  read(slice: Uint8Array): StreamSlice | undefined {
    const decoded = this.#decode(slice);
    return 'stream' in decoded ? decoded.stream : undefined;
  }

  /** The same for message routing, with the height that certifies it. */
  inducted({ from, slice }: XNetSlice): InductedSlice | undefined {
    const decoded = this.#decode(slice);
    return 'stream' in decoded
      ? { from, certifiedHeight: decoded.certified.certification.height, slice: decoded.stream }
      : undefined;
  }

  #situation(context: ValidationContext, past: readonly BatchPayload[]): Situation | undefined {
    const topology = this.#deps.topologyAt(context.registryVersion);
    const known = this.#deps.streamsAt(context.certifiedHeight);
    return topology === undefined || known === undefined
      ? undefined
      : {
          topology,
          streams: known.streams,
          isExact: known.height === context.certifiedHeight,
          past,
        };
  }

  #expectation(from: SubnetId, { topology, streams, isExact, past }: Situation): SliceExpectation {
    const own = ownIndexes(streams.get(from));
    const before = past.flatMap(({ xnet }) =>
      (xnet ?? []).flatMap((entry) => (entry.from === from ? (this.read(entry.slice) ?? []) : [])),
    );
    const limit = messageLimit(this.#deps.subnetId, from, topology, own);
    return {
      own,
      expected: expectedIndexes(own, before),
      // The own stream of a later state may be longer: an honest maker could not know.
      messageLimit: isExact ? limit : Number.POSITIVE_INFINITY,
    };
  }

  #take(from: SubnetId, situation: Situation, maxBytes: number): Uint8Array | undefined {
    const pooled = this.#deps.pool.get(from);
    if (pooled === undefined) {
      return undefined;
    }
    const expectation = this.#expectation(from, situation);
    const slice = encodeWithin(pooled.certified, expectation, maxBytes);
    return slice !== undefined && this.#check(from, slice, situation) === null ? slice : undefined;
  }

  #check(from: SubnetId, slice: Uint8Array, situation: Situation): XNetError | null {
    const { subnetId, verifier } = this.#deps;
    if (from === subnetId) {
      return refusal('XNET_LOOPBACK', "the own subnet's stream to itself is no matter of blocks");
    }
    const decoded = this.#decode(slice);
    if (!('stream' in decoded)) {
      return decoded;
    }
    return (
      verifier.checkRoot(decoded.certified) ??
      checkIndexes(decoded.stream, this.#expectation(from, situation)) ??
      verifier.checkCertification(decoded.certified, from, situation.topology)
    );
  }

  #decode(bytes: Uint8Array): DecodedSlice | XNetError {
    const known = this.#decoded.get(bytes);
    if (known !== undefined) {
      return known;
    }
    const certified = decodeSlice(bytes);
    const stream = certified.ok ? readSlice(certified.value) : certified;
    if (!certified.ok || !stream.ok) {
      return certified.ok ? (stream as { error: XNetError }).error : certified.error;
    }
    const decoded = { certified: certified.value, stream: stream.value };
    this.#decoded.set(bytes, decoded);
    return decoded;
  }
}

function invalid({ code, message }: XNetError): Validation {
  return { kind: 'invalid', code, message };
}

/** The longest beginning of the rest of a pooled slice that the limits allow; undefined = not even its header. */
function encodeWithin(
  pooled: CertifiedSlice,
  { expected, messageLimit: limit }: SliceExpectation,
  maxBytes: number,
): Uint8Array | undefined {
  const begin = expected.message;
  if (begin < pooled.messagesBegin || endOf(pooled) < begin) {
    return undefined;
  }
  let count = Math.min(limit, endOf(pooled) - begin);
  for (;;) {
    const slice = sliceRange(pooled, begin, begin + count);
    if (count === 0 || sizeOfSlice(slice) <= maxBytes) {
      const encoded = encodeSlice(slice);
      if (encoded.length <= maxBytes) {
        return encoded;
      }
      if (count === 0) {
        return undefined;
      }
    }
    count = count > 8 ? Math.floor((count * 3) / 4) : count - 1;
  }
}
