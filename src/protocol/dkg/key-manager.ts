import { bytesToHex } from '../../base/hex.ts';
import type { ChangeAction } from '../artifact-pool/change-action.ts';
import { addToValidated } from '../artifact-pool/change-action.ts';
import { doKeysWait, type RoleContext } from '../consensus/role-context.ts';
import { sha256 } from '../crypto/sha256.ts';
import { transcriptId } from '../crypto/transcript-id.ts';
import type { ShareOpening } from '../interfaces/dkg.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Block, DkgSummary, SignedDkgDealing } from '../types/artifacts.ts';
import type { DkgConfig, DkgDealing, DkgTranscript } from '../types/dkg.ts';
import type { HashHex, Height, NodeId } from '../types/ids.ts';
import { dkgComplaintSignedBytes } from '../types/signed-bytes.ts';
import type { ChainDealings } from './chain-dealings.ts';
import { dealingOf } from './chain-dealings.ts';
import { configOf } from './dealing-rules.ts';

/** Shares that storage must hold from now on, and those it must forget. */
export interface KeyChanges {
  readonly put: readonly { readonly id: HashHex; readonly share: Uint8Array }[];
  readonly delete: readonly HashHex[];
}

export interface KeyWork {
  readonly actions: readonly ChangeAction[];
  readonly keys: KeyChanges;
  readonly trace: readonly TraceEvent[];
  /** More can be done at once: call again soon. */
  readonly isPending: boolean;
}

const NO_KEY_CHANGES: KeyChanges = { put: [], delete: [] };
export const NO_KEY_WORK: KeyWork = {
  actions: [],
  keys: NO_KEY_CHANGES,
  trace: [],
  isPending: false,
};

/**
 * The node as a receiver: opens the dealings of finalized blocks, complains about bad ones, puts its
 * shares of new keys together and forgets those of old epochs.
 *
 * Liveness: at most one dealing is opened a call, so that a round never waits for a whole interval's
 * work; a node that joins or restarts opens what the summary holds. Security: a share is stored
 * before anything signed with it leaves; shares of keys that neither the catch-up package nor a
 * later summary names are overwritten and deleted.
 * Upstream: rs/consensus/dkg/src/lib.rs, rs/consensus/src/dkg_key_manager.rs.
 */
export class KeyManager {
  private readonly nodeId: NodeId;
  /** By hash of the dealing's content. */
  private readonly openings = new Map<HashHex, ShareOpening>();
  /** Keys of which this node has no share and can't get one. */
  private readonly hopeless = new Set<HashHex>();
  private stored: Set<HashHex>;
  private openingsOf: Height = 0;
  /** Blocks without dealings share the facts of their parent: nothing to look for. */
  private allOpened: ChainDealings | undefined;
  private cleanedAt = '';
  /** What there was nothing left to do about: newest summary, finalized tip, catch-up package. */
  private rested: readonly [summary: Block, tip: Block, packaged: Block] | null = null;

  /** @param stored ids of shares that the storage holds already */
  constructor(nodeId: NodeId, stored: readonly HashHex[]) {
    this.nodeId = nodeId;
    this.stored = new Set(stored);
  }

  work(context: RoleContext): KeyWork {
    const newest = context.intervals.newest();
    if (newest?.payload.kind !== 'summary') {
      return NO_KEY_WORK;
    }
    if (this.isResting(context, newest)) {
      return NO_KEY_WORK;
    }
    const { summary } = newest.payload;
    const work =
      this.loadNextShare(context, summary) ??
      (doKeysWait(context) ? undefined : this.openNextDealing(context, summary)) ??
      this.forgetOldShares(context, newest);
    if (work === undefined && this.allOpened !== undefined) {
      const { tip } = context.chain;
      const isAllOpened = context.dkg.dealingsIn(tip) === this.allOpened;
      this.rested = isAllOpened ? [newest, tip, context.view.catchUpPackage().block] : null;
    }
    return work ?? NO_KEY_WORK;
  }

  private isResting({ chain, view }: RoleContext, newest: Block): boolean {
    const [summary, tip, packaged] = this.rested ?? [];
    return summary === newest && tip === chain.tip && packaged === view.catchUpPackage().block;
  }

  /** The next key this node should have a share of; undefined when it has them all. */
  private loadNextShare(context: RoleContext, summary: DkgSummary): KeyWork | undefined {
    const { currentTranscripts: current, nextTranscripts: next } = summary;
    for (const transcript of [current.low, current.high, next.low, next.high]) {
      if (transcript === null || !transcript.key.receivers.includes(this.nodeId)) {
        continue;
      }
      const id = transcriptId(transcript.key);
      const isKnown = context.crypto.shareOf(transcript.key) !== undefined;
      if (!isKnown && !this.hopeless.has(id)) {
        return this.load(context, id, transcript);
      }
    }
    return undefined;
  }

  private load(context: RoleContext, id: HashHex, transcript: DkgTranscript): KeyWork {
    const { config, dealings, key } = transcript;
    const shares = new Map<NodeId, Uint8Array>();
    if (config === null) {
      return this.giveUp(id, transcript, 'no dealing holds it');
    }
    for (const dealing of dealings) {
      const known = this.openings.get(contentHash(dealing));
      if (known === undefined) {
        this.open(context, config, dealing);
        return { ...NO_KEY_WORK, isPending: true };
      }
      if (known.kind === 'bad') {
        return this.giveUp(id, transcript, `${dealing.dealer} dealt it a bad piece`);
      }
      shares.set(dealing.dealer, known.share);
    }
    const share = context.crypto.dkg.combineShares(config, dealings, shares);
    if (!share.ok) {
      return this.giveUp(id, transcript, share.error.message);
    }
    context.crypto.loadShare(id, share.value);
    this.stored.add(id);
    return {
      ...NO_KEY_WORK,
      keys: { put: [{ id, share: share.value }], delete: [] },
      trace: [
        { kind: 'dkgShareLoaded', height: config.id.startHeight, tag: key.tag, transcript: id },
      ],
      isPending: true,
    };
  }

  private giveUp(id: HashHex, { key }: DkgTranscript, reason: string): KeyWork {
    this.hopeless.add(id);
    const trace: TraceEvent[] = [
      { kind: 'dkgShareMissing', tag: key.tag, transcript: id, message: reason },
    ];
    return { ...NO_KEY_WORK, trace, isPending: true };
  }

  private open(context: RoleContext, config: DkgConfig, dealing: DkgDealing): ShareOpening {
    const opening = context.crypto.dkg.openShare(config, context.registry.nodes, dealing);
    this.openings.set(contentHash(dealing), opening);
    return opening;
  }

  /** Dealings of the current interval that are final, in order of their blocks. */
  private openNextDealing(context: RoleContext, summary: DkgSummary): KeyWork | undefined {
    if (this.openingsOf !== summary.height) {
      // Keys of earlier runs are loaded by now.
      this.openingsOf = summary.height;
      this.openings.clear();
    }
    const facts = context.dkg.dealingsIn(context.chain.tip);
    if (facts?.summary.height !== summary.height || facts === this.allOpened) {
      return undefined;
    }
    for (const dealing of facts.dealings.values()) {
      const config = configOf(summary, dealing.tag);
      if (
        config?.receivers.includes(this.nodeId) === true &&
        !this.openings.has(contentHash(dealing))
      ) {
        const opening = this.open(context, config, dealingOf(dealing));
        const actions =
          opening.kind === 'bad' ? [this.complain(context, dealing, opening.complaint)] : [];
        return { ...NO_KEY_WORK, actions, isPending: true };
      }
    }
    this.allOpened = facts;
    return undefined;
  }

  private complain(
    { crypto, genesis }: RoleContext,
    { height, tag, signer: dealer }: SignedDkgDealing,
    content: Uint8Array,
  ): ChangeAction {
    const complaint = { height, tag, dealer, content };
    const signature = crypto.signBasic(dkgComplaintSignedBytes(complaint, genesis.subnetId));
    return addToValidated(
      sealArtifact<'dkgComplaint'>({
        kind: 'dkgComplaint',
        ...complaint,
        signer: this.nodeId,
        signature,
      }),
    );
  }

  /** Once for each catch-up package and summary. */
  private forgetOldShares({ view, crypto }: RoleContext, newest: Block): KeyWork | undefined {
    const cup = view.catchUpPackage().block;
    const moment = `${cup.height}/${newest.height}`;
    if (moment === this.cleanedAt) {
      return undefined;
    }
    this.cleanedAt = moment;
    const needed = new Set([...keysOf(cup), ...keysOf(newest)]);
    crypto.keepShares(needed);
    const old = [...this.stored].filter((id) => !needed.has(id));
    this.stored = new Set([...this.stored].filter((id) => needed.has(id)));
    return old.length === 0 ? undefined : { ...NO_KEY_WORK, keys: { put: [], delete: old } };
  }
}

function keysOf({ payload }: Block): readonly HashHex[] {
  if (payload.kind !== 'summary') {
    return [];
  }
  const { currentTranscripts: current, nextTranscripts: next } = payload.summary;
  return [current.low, current.high, next.low, next.high].flatMap((transcript) =>
    transcript === null ? [] : [transcriptId(transcript.key)],
  );
}

function contentHash({ content }: { readonly content: Uint8Array }): HashHex {
  return bytesToHex(sha256(content)) as HashHex;
}
