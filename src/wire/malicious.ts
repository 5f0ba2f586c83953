import { codedError, err, ok, type CodedError, type Result } from '../base/result.ts';
import type { ArtifactKind } from '../protocol/types/artifacts.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import type { MaliciousBehaviour, MaliciousKind } from '../protocol/types/malicious.ts';

/** The Byzantine switches for people and scripts: what each does, and what stands against it. */
export interface AttackFacts {
  readonly name: string;
  /** What the node does, in one sentence. */
  readonly explanation: string;
  /** Why the subnet stands it while at most f nodes do it. */
  readonly defence: string;
  /** Codes under which honest nodes report it: of refused artifacts and packets, or of misbehaviour seen. */
  readonly seenAs: readonly string[];
  /** The behaviour with everything at its default. */
  readonly preset: MaliciousBehaviour;
}

export const ATTACKS: Readonly<Record<MaliciousKind, AttackFacts>> = {
  equivocate: {
    name: 'Two blocks at once',
    explanation: 'When it makes a block it makes several, and shows each peer another one.',
    defence:
      'Two signed blocks of one height prove the lie: the rank is disqualified there and the next one is notarized too.',
    seenAs: ['EQUIVOCATION'],
    preset: { kind: 'equivocate', blocks: 2 },
  },
  makeNoBlocks: {
    name: 'Silent block maker',
    explanation: 'It never proposes a block.',
    defence: 'After one unit delay the maker of the next rank proposes.',
    seenAs: ['BLOCK_MAKER_FAILED'],
    preset: { kind: 'makeNoBlocks' },
  },
  makeBlocksLate: {
    name: 'Late block maker',
    explanation: 'It proposes its block long after its turn.',
    defence: 'The next rank does not wait for it, and what comes too late changes nothing.',
    seenAs: ['BLOCK_MAKER_FAILED'],
    preset: { kind: 'makeBlocksLate', delayMs: 3000 },
  },
  makeBlocksOutOfRank: {
    name: 'Pushes in front',
    explanation: 'It proposes in every round under a rank that is not its own.',
    defence: 'All nodes draw the makers from the same random beacon and check the claimed rank.',
    seenAs: ['WRONG_RANK'],
    preset: { kind: 'makeBlocksOutOfRank' },
  },
  invalidPayload: {
    name: 'Invalid blocks',
    explanation: 'Its blocks hold a message that is none, or a summary that does not follow.',
    defence: 'Every notary checks the payload itself before it signs.',
    seenAs: ['MALFORMED_INGRESS', 'WRONG_SUMMARY'],
    preset: { kind: 'invalidPayload' },
  },
  withhold: {
    name: 'Keeps things to itself',
    explanation: 'It hides artifacts of the chosen kinds from all peers, or from some.',
    defence: 'Quorums do without f nodes, and what one honest node has, it relays to all.',
    seenAs: ['NO_VOTES_SEEN', 'BLOCK_MAKER_FAILED'],
    preset: { kind: 'withhold', artifacts: ['notarizationShare', 'finalizationShare'], from: null },
  },
  notarizeEverything: {
    name: 'Notarizes everything',
    explanation: 'It signs a notarization share for every proposal at once, unchecked.',
    defence: 'A block needs 2f + 1 shares, so f + 1 honest notaries checked it.',
    seenAs: ['NOTARIZED_SEVERAL_BLOCKS', 'FINALIZED_AND_NOTARIZED_OTHER'],
    preset: { kind: 'notarizeEverything' },
  },
  finalizeEverything: {
    name: 'Finalizes everything',
    explanation:
      'It signs a finalization share for every block it hears of, also two of one height.',
    defence: '2f + 1 shares are needed, and an honest node finalizes one block per height at most.',
    seenAs: ['FINALIZED_TWO_BLOCKS', 'FINALIZED_AND_NOTARIZED_OTHER'],
    preset: { kind: 'finalizeEverything' },
  },
  wrongCertification: {
    name: 'Certifies a wrong state',
    explanation: 'Its certification shares are for a state root that nobody computed.',
    defence: 'n − f shares on one root are needed, and nodes combine only those on their own root.',
    seenAs: ['WRONG_STATE_ROOT'],
    preset: { kind: 'wrongCertification' },
  },
  wrongCatchUpPackage: {
    name: 'Vouches for a wrong checkpoint',
    explanation: 'Its shares of catch-up packages are for a checkpoint that does not exist.',
    defence: 'n − f shares on one content are needed.',
    seenAs: ['WRONG_CHECKPOINT_HASH'],
    preset: { kind: 'wrongCatchUpPackage' },
  },
  garbage: {
    name: 'Garbage',
    explanation: 'It sends bytes that are no packet, no artifact, or no signature.',
    defence:
      'Decoding is total and bounded; combined signatures are verified and the liar is found.',
    seenAs: ['PACKET_MALFORMED', 'MALFORMED_ARTIFACT', 'BAD_SIGNATURE_SHARE'],
    preset: { kind: 'garbage', what: 'signatures' },
  },
  replay: {
    name: 'Old news',
    explanation: 'It repeats artifacts and packets of long ago.',
    defence:
      'Nobody wants artifacts below the own progress, and old packets have old numbers. Not reported: honest nodes that start again repeat themselves too.',
    seenAs: [],
    preset: { kind: 'replay' },
  },
  floodSlots: {
    name: 'Floods the peers',
    explanation: 'It advertises thousands of artifacts that do not exist.',
    defence: 'Each peer has a bounded number of slots and of open requests.',
    seenAs: ['SLOT_TABLE_FULL'],
    preset: { kind: 'floodSlots' },
  },
  corruptStateChunks: {
    name: 'Corrupt state',
    explanation: 'It answers nodes that fetch the state with one wrong bit in everything.',
    defence: 'Every piece is checked against the hash in the signed catch-up package.',
    seenAs: ['STATE_CHUNK_WRONG'],
    preset: { kind: 'corruptStateChunks' },
  },
  corruptDealing: {
    name: 'Cheats in the key generation',
    explanation: 'Its dealings give one receiver a share that fits nothing.',
    defence:
      'The cheated node complains with a proof that everybody checks, and the dealing does not count.',
    seenAs: ['DEALING_PROVED_WRONG'],
    preset: { kind: 'corruptDealing' },
  },
  falseComplaint: {
    name: 'Slanders dealers',
    explanation: 'It complains about dealings of a key generation that are right.',
    defence: 'A complaint opens one share, and everybody checks it: an unfounded one is refused.',
    seenAs: ['UNFOUNDED_COMPLAINT', 'MALFORMED_COMPLAINT'],
    preset: { kind: 'falseComplaint' },
  },
  forgeSlices: {
    name: 'Forges messages between subnets',
    explanation:
      'It changes a bit of messages of other subnets in its blocks, and of its own where it hands them out.',
    defence: 'Messages come with a proof up to the state root that the other subnet signed.',
    seenAs: ['XNET_ROOT_MISMATCH'],
    preset: { kind: 'forgeSlices' },
  },
  staleSlices: {
    name: 'Repeats messages between subnets',
    explanation: 'Its blocks hold, and who asks gets, the first part of a stream it ever had.',
    defence: 'A part of a stream must begin exactly where state and chain end.',
    seenAs: [
      'XNET_MESSAGES_NOT_NEXT',
      'XNET_STALE_SLICE',
      'XNET_EMPTY_SLICE',
      'XNET_WRONG_WITNESS',
    ],
    preset: { kind: 'staleSlices' },
  },
  gapInSlices: {
    name: 'Leaves out messages between subnets',
    explanation:
      'It leaves out the first message of each part of a stream; the rest is truly certified.',
    defence: 'A part of a stream must begin exactly where state and chain end.',
    seenAs: ['XNET_MESSAGES_NOT_NEXT', 'XNET_EMPTY_SLICE'],
    preset: { kind: 'gapInSlices' },
  },
  withholdStreams: {
    name: 'Withholds streams',
    explanation:
      'It takes no messages of other subnets into its blocks, and answers none of their nodes.',
    defence: 'Other makers take them, and other nodes of the subnet are asked.',
    seenAs: ['XNET_NO_ANSWER'],
    preset: { kind: 'withholdStreams' },
  },
  wrongSignals: {
    name: 'Wrong signals',
    explanation:
      'It claims that another subnet has taken a message which it has not, so that it would be dropped.',
    defence: 'Signals stand in the signed header of the stream.',
    seenAs: ['XNET_ROOT_MISMATCH'],
    preset: { kind: 'wrongSignals' },
  },
};

export type MaliciousErrorCode = 'BEHAVIOURS_INVALID';

const MAX_BEHAVIOURS = 16;
const MAX_BLOCKS = 8;
const MAX_DELAY_MS = 600_000;
const MAX_HIDDEN_FROM = 40;

const ARTIFACTS: Readonly<Record<ArtifactKind | 'dkgDealing' | 'dkgComplaint', true>> = {
  randomBeacon: true,
  randomBeaconShare: true,
  randomTape: true,
  randomTapeShare: true,
  blockProposal: true,
  notarization: true,
  notarizationShare: true,
  finalization: true,
  finalizationShare: true,
  catchUpPackage: true,
  catchUpPackageShare: true,
  equivocationProof: true,
  certification: true,
  certificationShare: true,
  dkgDealing: true,
  dkgComplaint: true,
};

type Check = (value: unknown, nodeIds: readonly NodeId[]) => string | null;

function integerBetween(min: number, max: number): Check {
  return (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? null
      : `an integer from ${min} to ${max}`;
}

function isDistinct(list: readonly unknown[]): boolean {
  return new Set(list).size === list.length;
}

const artifactKinds: Check = (value) =>
  Array.isArray(value) &&
  value.length > 0 &&
  isDistinct(value) &&
  value.every((kind) => typeof kind === 'string' && Object.hasOwn(ARTIFACTS, kind))
    ? null
    : 'a list of distinct artifact kinds';

const someNodes: Check = (value, nodeIds) =>
  value === null ||
  (Array.isArray(value) &&
    value.length <= MAX_HIDDEN_FROM &&
    isDistinct(value) &&
    value.every((id) => (nodeIds as readonly unknown[]).includes(id)))
    ? null
    : 'null or a list of distinct nodes of the network';

const garbageKind: Check = (value) =>
  value === 'packets' || value === 'artifacts' || value === 'signatures'
    ? null
    : 'packets, artifacts or signatures';

/** The fields beside `kind`, all required. */
const FIELDS: Readonly<Partial<Record<MaliciousKind, Readonly<Record<string, Check>>>>> = {
  equivocate: { blocks: integerBetween(2, MAX_BLOCKS) },
  makeBlocksLate: { delayMs: integerBetween(1, MAX_DELAY_MS) },
  withhold: { artifacts: artifactKinds, from: someNodes },
  garbage: { what: garbageKind },
};

function invalid(message: string): Result<never, CodedError<MaliciousErrorCode>> {
  return err(codedError('input', 'BEHAVIOURS_INVALID', message));
}

/** Why it is no behaviour; null = it is one. */
function faultOf(value: unknown, nodeIds: readonly NodeId[]): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return 'must be an object';
  }
  const { kind, ...fields } = value as Readonly<Record<string, unknown>>;
  if (typeof kind !== 'string' || !Object.hasOwn(ATTACKS, kind)) {
    return `.kind must be one of ${Object.keys(ATTACKS).join(', ')}`;
  }
  const checks = FIELDS[kind as MaliciousKind] ?? {};
  const unknown = Object.keys(fields).find((name) => !Object.hasOwn(checks, name));
  if (unknown !== undefined) {
    return `.${unknown.slice(0, 40)} is not a field of ${kind}`;
  }
  for (const [name, check] of Object.entries(checks)) {
    const expected = check(fields[name], nodeIds);
    if (expected !== null) {
      return `.${name} must be ${expected}`;
    }
  }
  return null;
}

/**
 * Checks behaviours that come from a script; the empty list means honest. Unknown kinds and fields
 * are errors, so that a misspelt attack is never silently an honest node.
 * @returns plain copies: later changes by the caller change nothing
 */
export function parseMaliciousBehaviours(
  value: unknown,
  nodeIds: readonly NodeId[],
): Result<readonly MaliciousBehaviour[], CodedError<MaliciousErrorCode>> {
  if (!Array.isArray(value) || value.length > MAX_BEHAVIOURS) {
    return invalid(`behaviours must be a list of at most ${MAX_BEHAVIOURS}.`);
  }
  const behaviours: MaliciousBehaviour[] = [];
  for (const [index, item] of value.entries()) {
    const fault = faultOf(item, nodeIds);
    if (fault !== null) {
      return invalid(`behaviours[${index}]${fault.startsWith('.') ? '' : ' '}${fault}.`);
    }
    behaviours.push(copyOf(item as MaliciousBehaviour));
  }
  return ok(behaviours);
}

function copyOf(behaviour: MaliciousBehaviour): MaliciousBehaviour {
  return behaviour.kind === 'withhold'
    ? {
        ...behaviour,
        artifacts: [...behaviour.artifacts],
        from: behaviour.from === null ? null : [...behaviour.from],
      }
    : { ...behaviour };
}
