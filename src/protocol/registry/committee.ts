import { sha256 } from '@noble/hashes/sha2.js';
import { present } from '../../base/assert.ts';
import { concatBytes, u32ToBytesBe } from '../../base/bytes.ts';
import { hexToBytes } from '../../base/hex.ts';
import { createLru } from '../../base/lru.ts';
import type { HashHex, NodeId } from '../types/ids.ts';
import { createChaChaRng, shuffle } from './chacha-rng.ts';

/**
 * Who may do what in a round: block makers and notary committee, drawn from a random beacon.
 * Upstream: rs/consensus/utils/src/membership.rs, rs/types/types/src/consensus.rs#get_faults_tolerated.
 */

/** What the randomness of a beacon is used for; each purpose gives an independent generator. */
export const RANDOMNESS_PURPOSE = { committeeSampling: 1, blockmakerRanking: 2 } as const;
type Purpose = (typeof RANDOMNESS_PURPOSE)[keyof typeof RANDOMNESS_PURPOSE];

/** f: faulty nodes that n nodes tolerate. */
export function faultsTolerated(nodes: number): number {
  return Math.floor((Math.max(nodes, 1) - 1) / 3);
}

/** 3f + 1 nodes notarize and finalize. */
export function committeeSize(nodes: number): number {
  return 3 * faultsTolerated(nodes) + 1;
}

/** 2f + 1 of the committee make a notarization or finalization. */
export function committeeThreshold(nodes: number): number {
  return committeeSize(nodes) - faultsTolerated(nodes);
}

interface Shuffle {
  readonly nodes: readonly NodeId[];
  readonly shuffled: readonly NodeId[];
}

/** The nodes of one process draw from the same beacons: one of them does it for all. */
const knownShuffles = createLru<Shuffle>(256);

function shuffleFor(
  nodes: readonly NodeId[],
  beaconHash: HashHex,
  purpose: Purpose,
): readonly NodeId[] {
  const name = `${purpose}/${beaconHash}`;
  const known = knownShuffles.get(name);
  if (known !== undefined && isSameList(known.nodes, nodes)) {
    return known.shuffled;
  }
  const seed = present(hexToBytes(beaconHash), 'a beacon hash is hex');
  const rng = createChaChaRng(sha256(concatBytes(seed, u32ToBytesBe(purpose))));
  const shuffled = shuffle(nodes, rng);
  knownShuffles.set(name, { nodes, shuffled });
  return shuffled;
}

function isSameList(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a === b || (a.length === b.length && a.every((node, i) => node === b[i]));
}

/** Block makers of the height after the beacon's, by rank. `nodes` in ascending order. */
export function blockMakersFor(nodes: readonly NodeId[], beaconHash: HashHex): readonly NodeId[] {
  return shuffleFor(nodes, beaconHash, RANDOMNESS_PURPOSE.blockmakerRanking).slice(
    0,
    faultsTolerated(nodes.length) + 1,
  );
}

/** Notary committee of the height after the beacon's. `nodes` in ascending order. */
export function committeeFor(nodes: readonly NodeId[], beaconHash: HashHex): readonly NodeId[] {
  return shuffleFor(nodes, beaconHash, RANDOMNESS_PURPOSE.committeeSampling).slice(
    0,
    committeeSize(nodes.length),
  );
}
