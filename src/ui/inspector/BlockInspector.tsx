import { useState } from 'react';
import type { BlockDetails } from '../../wire/network.ts';
import type { BlockView, HeightView } from '../../wire/projection.ts';
import { CopyText } from '../components/CopyText.tsx';
import { useProjection, useServices } from '../services.tsx';
import { findBlock, nodeLabel, quorumOf } from '../store/derive.ts';
import {
  formatBytes,
  formatCount,
  formatMs,
  formatTime,
  principalText,
  shortHash,
} from '../store/format.ts';
import type { HashHex } from '../store/ids.ts';
import { Signers } from './Signers.tsx';
import { VerifyButton } from './VerifyButton.tsx';

export function BlockInspector({ hash }: { readonly hash: HashHex }) {
  const found = useProjection((projection) => findBlock(projection, hash));
  // The selected block is kept when it leaves the window of the last heights.
  const [kept, setKept] = useState(found);
  if (found !== undefined && found !== kept) {
    setKept(found);
  }
  const shown = found ?? (kept?.block.facts.hash === hash ? kept : undefined);
  return shown === undefined ? (
    <p className="muted">This block is older than the heights that the page keeps.</p>
  ) : (
    <BlockSheet key={hash} block={shown.block} at={shown.at} />
  );
}

const STATE_WORDS = {
  proposed: ['proposed', 'info', 'A node offers this block; nothing is decided.'],
  notarized: ['notarized', 'info', 'Enough nodes found it valid; another block may still win.'],
  finalized: ['finalized', 'good', 'All honest nodes agree on this block for good.'],
  dead: ['dead', 'warning', 'Another block of this height was finalized.'],
} as const;

function BlockSheet({ block, at }: { readonly block: BlockView; readonly at: HeightView }) {
  const { facts } = block;
  const view = useProjection((projection) => ({
    nodes: projection.nodes,
    holders: projection.interval.receivers,
    threshold: quorumOf(projection).needed,
    maker: nodeLabel(projection, facts.maker),
  }));
  const [word, tone, meaning] = STATE_WORDS[block.state];
  const signed = block.state === 'notarized' || block.state === 'finalized';
  return (
    <section aria-labelledby="inspected">
      <div className="inspector-head">
        <h2 id="inspected">
          {facts.isSummary ? 'Summary block' : 'Block'}{' '}
          <span className="mono">{formatCount(facts.height)}</span>
        </h2>
        <span className={`tag tone-${tone}`}>{word}</span>
      </div>
      <p className="muted small">{meaning}</p>
      <BlockFields block={block} at={at} maker={view.maker} />
      <Signers
        title="Notarization"
        nodes={view.nodes}
        holders={view.holders}
        signers={block.notarizedBy}
        threshold={view.threshold}
      />
      {signed ? (
        <VerifyButton
          what="notarization"
          reference={{ kind: 'notarization', height: facts.height, hash: facts.hash }}
        />
      ) : null}
      <Signers
        title="Finalization"
        nodes={view.nodes}
        holders={view.holders}
        signers={block.finalizedBy}
        threshold={view.threshold}
      />
      {block.finalizedBy.length >= view.threshold ? (
        <VerifyButton
          what="finalization"
          reference={{ kind: 'finalization', height: facts.height }}
        />
      ) : block.state === 'finalized' ? (
        <p className="muted small">Finalized through a later block that builds on it.</p>
      ) : null}
      <h3>Threshold signatures of this height</h3>
      {at.beacon === null ? null : (
        <VerifyButton
          what="random beacon"
          reference={{ kind: 'randomBeacon', height: facts.height }}
        />
      )}
      {at.hasTape ? (
        <VerifyButton what="random tape" reference={{ kind: 'randomTape', height: facts.height }} />
      ) : null}
      {at.certified ? (
        <VerifyButton
          what="certification"
          reference={{ kind: 'certification', height: facts.height }}
        />
      ) : (
        <p className="muted small">The state of this height is not certified yet.</p>
      )}
      <BlockPayload block={block} />
    </section>
  );
}

interface BlockFieldsProps {
  readonly block: BlockView;
  readonly at: HeightView;
  readonly maker: string;
}

function BlockFields({ block, at, maker }: BlockFieldsProps) {
  const { ui, projection } = useServices();
  const { facts } = block;
  const roots = [...new Set(Object.values(at.roots))];
  const reports = Object.keys(at.roots).length;
  const openParent = (): void => {
    if (findBlock(projection.getState(), facts.parent) !== undefined) {
      ui.setState({ selection: { kind: 'block', hash: facts.parent } });
    }
  };
  return (
    <dl className="fields">
      <dt>Block hash</dt>
      <dd>
        <CopyText full={facts.hash} short={shortHash(facts.hash)} />
      </dd>
      <dt>Parent</dt>
      <dd>
        <button type="button" className="button-link mono" onClick={openParent}>
          {shortHash(facts.parent)}
        </button>
      </dd>
      <dt>Made by</dt>
      <dd>
        {maker}, rank {facts.rank}
      </dd>
      <dt>Block time</dt>
      <dd className="mono">{formatTime(facts.timeNs)} UTC</dd>
      <dt>Payload</dt>
      <dd>
        {formatCount(facts.ingress)} {facts.ingress === 1 ? 'message' : 'messages'},{' '}
        {formatBytes(facts.payloadBytes)}
      </dd>
      <dt>Finality</dt>
      <dd className="mono">
        {block.finalizedNs === null
          ? '–'
          : formatMs(Number(block.finalizedNs - block.firstSeenNs) / 1e6)}
      </dd>
      <dt>Certified height</dt>
      <dd className="mono">{formatCount(facts.certifiedHeight)}</dd>
      <dt>State root</dt>
      <dd>
        {roots.length === 0
          ? '–'
          : roots.map((root) => <CopyText key={root} full={root} short={shortHash(root)} />)}
        {roots.length === 1 ? <span className="muted"> equal on {reports} nodes</span> : null}
        {roots.length > 1 ? <span className="tone-error"> the nodes differ</span> : null}
      </dd>
    </dl>
  );
}

/** What the block carries, read from a node's pool on demand. */
function BlockPayload({ block }: { readonly block: BlockView }) {
  const { network } = useServices();
  const [details, setDetails] = useState<BlockDetails | string | null>(null);
  const { hash, ingress } = block.facts;
  if (ingress === 0) {
    return null;
  }
  const load = (): void => {
    network.inspect.block(hash).then(
      (result) => setDetails(result.ok ? result.value : result.error.message),
      (reason: unknown) => setDetails(String(reason)),
    );
  };
  return (
    <>
      <h3>Messages in this block</h3>
      {details === null ? (
        <button type="button" className="button" onClick={load}>
          Show {formatCount(ingress)}
        </button>
      ) : typeof details === 'string' ? (
        <p className="tone-error small">{details}</p>
      ) : (
        <ul className="small">
          {details.ingress.map((message) => (
            <li key={message.messageId}>
              <span className="mono">{message.methodName}</span> to{' '}
              <span className="mono">{principalText(message.canisterId)}</span>,{' '}
              {formatBytes(message.argBytes)}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
