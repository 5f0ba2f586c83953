import type { NodeLoad } from '../../wire/network.ts';
import type { NodeView } from '../../wire/projection.ts';
import { CopyText } from '../components/CopyText.tsx';
import { Icon } from '../components/icons.tsx';
import { nodeStatus } from '../charts/node-status.ts';
import { SyncProgress } from '../keys/Membership.tsx';
import { useCommand, useProjection, useServices } from '../services.tsx';
import { blocksBehind, canRestart, findNode, isUp, nodeLabel } from '../store/derive.ts';
import {
  formatCount,
  formatMs,
  principalText,
  shortHash,
  shortPrincipal,
} from '../store/format.ts';
import type { NodeId } from '../store/ids.ts';
import { useNodeReports } from '../store/use-node-reports.ts';
import { backendInWords } from './crypto-words.ts';
import { Caught } from './Caught.tsx';

export function NodeInspector({ nodeId }: { readonly nodeId: NodeId }) {
  const command = useCommand();
  const { ui } = useServices();
  const node = useProjection((projection) => findNode(projection, nodeId));
  const behind = useProjection((projection) => (node ? blocksBehind(projection, node) : 0));
  const restartable = useProjection(
    (projection) => node !== undefined && canRestart(projection, node),
  );
  const lost = useProjection((projection) =>
    (node?.peersDown ?? []).map((peer) => nodeLabel(projection, peer)).join(', '),
  );
  const load = useNodeReports().find((report) => report.nodeId === nodeId)?.load;
  if (node === undefined) {
    return <p className="muted">This node is not part of the network any more.</p>;
  }
  const status = nodeStatus(node);
  const { heights } = node;
  return (
    <section aria-labelledby="inspected">
      <div className="inspector-head">
        <h2 id="inspected">{node.label}</h2>
        <span className={`tag tone-${status.tone}`}>{status.word}</span>
        {isUp(node) ? (
          <button
            type="button"
            className="button button-danger"
            aria-keyshortcuts="K"
            onClick={() => command(({ faults }) => faults.kill(nodeId))}
          >
            <Icon name="power" size={15} /> Kill
          </button>
        ) : (
          <button
            type="button"
            className="button"
            aria-keyshortcuts="K"
            disabled={!restartable}
            onClick={() => command(({ faults }) => faults.restart(nodeId))}
          >
            <Icon name="power" size={15} /> Restart
          </button>
        )}
      </div>
      {node.reason === null ? null : <p className="tone-error small">Reason: {node.reason}</p>}
      <p className="muted small">{roleSentence(node)}</p>
      <SyncProgress node={node} />
      <div className="row">
        <button type="button" className="button" onClick={() => ui.setState({ panel: 'faults' })}>
          <Icon name="alert" size={15} /> Faults and attacks
        </button>
      </div>
      <Caught node={node} />
      <dl className="fields">
        <dt>Node id</dt>
        <dd>
          <CopyText full={principalText(node.nodeId)} short={shortPrincipal(node.nodeId)} />
        </dd>
        <dt>Notarized</dt>
        <dd className="mono">{formatCount(heights.notarized)}</dd>
        <dt>Finalized</dt>
        <dd className="mono">
          {formatCount(heights.finalized)}
          {behind > 1 ? <span className="tone-warning"> −{formatCount(behind)}</span> : null}
        </dd>
        <dt>Executed</dt>
        <dd className="mono">{formatCount(heights.executed)}</dd>
        <dt>Certified</dt>
        <dd className="mono">{formatCount(heights.certified)}</dd>
        <dt>Catch-up package</dt>
        <dd className="mono">{formatCount(heights.catchUpPackage)}</dd>
        <dt>State root</dt>
        <dd>
          {node.stateRoot === null ? (
            '–'
          ) : (
            <>
              <CopyText full={node.stateRoot.root} short={shortHash(node.stateRoot.root)} />
              <span className="muted"> at {formatCount(node.stateRoot.height)}</span>
            </>
          )}
        </dd>
        <dt>Does not hear</dt>
        <dd>{isUp(node) ? lost || 'nobody: all peers answer' : '–'}</dd>
        {load === undefined ? null : (
          <>
            <dt>Signatures</dt>
            <dd>{backendInWords(load.blsBackend)}</dd>
            <dt>Sandboxes</dt>
            <dd>
              <span className="mono">{load.sandboxes}</span>
              <span className="muted"> at work for its canisters</span>
            </dd>
            <dt>Worked</dt>
            <dd>
              <span className="mono">{formatMs(load.busyMs)}</span>
              <span className="muted"> since its start, {cryptoPercent(load)} % on signatures</span>
            </dd>
          </>
        )}
        <dt>Refused</dt>
        <dd className="mono">
          {node.rejectedArtifacts} artifacts, {node.rejectedPackets} packets
        </dd>
        {node.criticalErrors > 0 ? (
          <>
            <dt>Critical errors</dt>
            <dd className="tone-error">{node.criticalErrors}</dd>
          </>
        ) : null}
        {node.droppedFacts > 0 ? (
          <>
            <dt>Facts not shown</dt>
            <dd>{formatCount(node.droppedFacts)} (the view could not keep up)</dd>
          </>
        ) : null}
      </dl>
    </section>
  );
}

function cryptoPercent({ busyMs, cryptoMs }: NodeLoad): number {
  return busyMs === 0 ? 0 : Math.round((100 * cryptoMs) / busyMs);
}

function roleSentence(node: NodeView): string {
  const { rank, inCommittee } = node;
  if (!isUp(node)) {
    return node.isMember
      ? 'It signs nothing while it is down. Its storage stays.'
      : 'A spare node: registered, but no member of the subnet. The tab “Keys” can add it.';
  }
  const notary = inCommittee
    ? 'In the notary committee of this round'
    : 'Not in the notary committee';
  return rank === null
    ? `${notary}.`
    : `${notary}; block maker of rank ${rank}${rank === 0 ? ', so it may propose first' : ''}.`;
}
