import { unreachable } from '../base/assert.ts';
import type { Prng } from '../base/prng.ts';
import type { LinkConditions } from './network-spec.ts';

/**
 * What a directed link does to the packets put on it. Both hosts use this one model: the workers in
 * the receiver's transport, the simulator in its medium. Pure: every chance is drawn from the given
 * generator, time is the caller's.
 *
 * A packet first waits until those before it have left (bandwidth), then travels (delay and jitter).
 * Packets of one link stay in order, as QUIC delivers them, unless a reordering is drawn.
 */
export interface LinkModel {
  /**
   * The fate of one packet.
   * @param nowNs when it is put on the link: nanoseconds since a moment of the host's choice, which
   *   must stay the same; never smaller than before
   * @param bytes its size on the wire
   */
  send(conditions: LinkConditions, nowNs: number, bytes: number): PacketFate;
}

export type LinkDropCause = 'loss' | 'cut' | 'queue';

export type PacketFate =
  | { readonly kind: 'drop'; readonly cause: LinkDropCause }
  | {
      readonly kind: 'deliver';
      /** Arrival of each copy, on the caller's time line; two when the packet was duplicated. */
      readonly arrivalsNs: readonly number[];
    };

const NS_PER_MS = 1_000_000;
const NS_PER_US = 1000;
const US_PER_MS = 1000;
const PERCENT = 100;
/** A reordered packet is held back by up to this much beyond its delay. */
const REORDER_MS = 50;
/** What a router keeps for a slow link. One block of any size still passes an idle link. */
const MAX_QUEUED_BYTES = 8 * 1024 * 1024;
/** A kilobit per second moves one byte in this time. */
const NS_PER_BYTE_AT_1_KBPS = 8 * NS_PER_MS;
/** Longest tail, in jitters: the 1 in 2,500 that would come later comes then. */
const MAX_TAIL = 50;
const NORMAL_TERMS = 12;

/** The model of one directed link. @param prng the link's own; forked by the host per link */
export function createLinkModel(prng: Prng): LinkModel {
  let lastArrivalNs = 0;
  let idleFromNs = 0;
  const happens = (percent: number): boolean => percent > 0 && prng.chance(percent, PERCENT);

  /** When the last bit has left; undefined when the queue is full. */
  const departure = (kbps: number, nowNs: number, bytes: number): number | undefined => {
    if (kbps === 0) {
      return nowNs;
    }
    const nsPerByte = NS_PER_BYTE_AT_1_KBPS / kbps;
    const waitingNs = Math.max(0, idleFromNs - nowNs);
    if (waitingNs / nsPerByte > MAX_QUEUED_BYTES) {
      return undefined;
    }
    idleFromNs = nowNs + waitingNs + Math.round(bytes * nsPerByte);
    return idleFromNs;
  };

  return {
    send: (conditions, nowNs, bytes) => {
      if (conditions.cut) {
        return { kind: 'drop', cause: 'cut' };
      }
      if (happens(conditions.lossPercent)) {
        return { kind: 'drop', cause: 'loss' };
      }
      const leavesNs = departure(conditions.bandwidthKbps, nowNs, bytes);
      if (leavesNs === undefined) {
        return { kind: 'drop', cause: 'queue' };
      }
      const arrival = (): number => {
        const plannedNs = leavesNs + travelNs(conditions, prng);
        if (happens(conditions.reorderPercent)) {
          return plannedNs + prng.below(REORDER_MS * US_PER_MS) * NS_PER_US;
        }
        lastArrivalNs = Math.max(lastArrivalNs, plannedNs);
        return lastArrivalNs;
      };
      const first = arrival();
      const arrivalsNs = happens(conditions.duplicatePercent) ? [first, arrival()] : [first];
      return { kind: 'deliver', arrivalsNs };
    },
  };
}

/** Delay and jitter of one packet; never negative, whole microseconds of jitter. */
function travelNs(conditions: LinkConditions, prng: Prng): number {
  const delayNs = conditions.delayMs * NS_PER_MS;
  const jitterUs = conditions.jitterMs * US_PER_MS;
  if (jitterUs === 0) {
    return delayNs;
  }
  return Math.max(0, delayNs + drawJitterUs(conditions.distribution, jitterUs, prng) * NS_PER_US);
}

/** Only +, ×, ÷ and √, which are exact everywhere: a seed gives the same run in every engine. */
function drawJitterUs(
  distribution: LinkConditions['distribution'],
  jitterUs: number,
  prng: Prng,
): number {
  switch (distribution) {
    case 'uniform':
      return prng.below(jitterUs + 1);
    case 'normal': {
      // The sum of twelve uniforms in 0 … 1 has mean 6 and variance 1.
      let sum = 0;
      for (let i = 0; i < NORMAL_TERMS; i += 1) {
        sum += prng.u32() / 2 ** 32;
      }
      return Math.round((sum - NORMAL_TERMS / 2) * jitterUs);
    }
    case 'heavyTail': {
      // Lomax with shape 2: mean 1, median 0.41, 1 % above 9.
      const tail = 1 / Math.sqrt((prng.u32() + 1) / 2 ** 32) - 1;
      return Math.round(Math.min(tail, MAX_TAIL) * jitterUs);
    }
    default:
      return unreachable(distribution);
  }
}
