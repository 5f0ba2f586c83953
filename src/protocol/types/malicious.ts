import type { ArtifactKind } from './artifacts.ts';
import type { NodeId } from './ids.ts';

/**
 * How a Byzantine node breaks the rules, as plain JSON. A node follows any number of these at once,
 * signs with its own real keys and with no others, and stays honest in everything not named.
 */
export type MaliciousBehaviour =
  /** Several blocks per height, each shown to another part of the peers. */
  | { readonly kind: 'equivocate'; readonly blocks: number }
  | { readonly kind: 'makeNoBlocks' }
  /** Proposes so long after the round began, whatever its rank. */
  | { readonly kind: 'makeBlocksLate'; readonly delayMs: number }
  /** Proposes in every round under a rank that is not its own. */
  | { readonly kind: 'makeBlocksOutOfRank' }
  /** Its blocks carry what no honest maker would put in. */
  | { readonly kind: 'invalidPayload' }
  /** Keeps artifacts of these kinds to itself; `from` names whom it hides them from, null = all. */
  | {
      readonly kind: 'withhold';
      readonly artifacts: readonly ArtifactKind[];
      readonly from: readonly NodeId[] | null;
    }
  | { readonly kind: 'notarizeEverything' }
  | { readonly kind: 'finalizeEverything' }
  | { readonly kind: 'wrongCertification' }
  | { readonly kind: 'wrongCatchUpPackage' }
  /** Packets that are no packets, artifacts that are none, or shares whose signature is wrong. */
  | { readonly kind: 'garbage'; readonly what: 'packets' | 'artifacts' | 'signatures' }
  /** Repeats what it said long ago. */
  | { readonly kind: 'replay' }
  /** Advertises thousands of artifacts that do not exist. */
  | { readonly kind: 'floodSlots' }
  | { readonly kind: 'corruptStateChunks' }
  /** Cheats one receiver of each dealing of a key generation. */
  | { readonly kind: 'corruptDealing' }
  /** Complains about dealings that are right. */
  | { readonly kind: 'falseComplaint' }
  /** Changes messages between subnets, as maker of blocks and towards nodes of other subnets. */
  | { readonly kind: 'forgeSlices' }
  /** Repeats old parts of streams between subnets. */
  | { readonly kind: 'staleSlices' }
  /** Leaves out messages between subnets. */
  | { readonly kind: 'gapInSlices' }
  /** Neither takes nor hands out messages between subnets. */
  | { readonly kind: 'withholdStreams' }
  /** Claims that messages to another subnet were taken which were not. */
  | { readonly kind: 'wrongSignals' };

export type MaliciousKind = MaliciousBehaviour['kind'];
