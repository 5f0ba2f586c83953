import { Mutating } from '../components/ReadOnly.tsx';
import type { IntervalView, KeyTag, NodeView } from '../../wire/projection.ts';
import { useProjection } from '../services.tsx';
import { nodeLabel } from '../store/derive.ts';
import { formatCount, shortHash } from '../store/format.ts';
import { Membership } from './Membership.tsx';

const TAGS: readonly (readonly [KeyTag, string, string])[] = [
  ['low', 'Beacon key', 'made fresh each interval'],
  ['high', 'Subnet key', 'dealt anew, its public part never changes'],
];

/** The distributed key generation of this interval, and who belongs to the subnet. */
export function KeysPanel() {
  const interval = useProjection((projection) => projection.interval);
  const finalized = useProjection((projection) => projection.finalizedHeight);
  const nodes = useProjection((projection) => projection.nodes);
  const catchUp = useProjection((projection) => projection.catchUpHeight);
  const next = interval.height + interval.length + 1;
  const done = Math.min(interval.length + 1, Math.max(0, finalized - interval.height));
  return (
    <div className="keys-panel" data-testid="keys-panel">
      <section aria-labelledby="interval">
        <h2 id="interval">Key interval</h2>
        <p className="small">
          Blocks <span className="mono">{formatCount(interval.height)}</span> to{' '}
          <span className="mono">{formatCount(next - 1)}</span>. The next summary block, with new
          keys, is <span className="mono">{formatCount(next)}</span>.
        </p>
        <progress max={interval.length + 1} value={done} aria-label="Blocks of this interval" />
        <dl className="fields">
          <dt>Registry version</dt>
          <dd className="mono">{interval.registryVersion} in force</dd>
          <dt>Catch-up package</dt>
          <dd className="mono">{catchUp === 0 ? 'none yet' : formatCount(catchUp)}</dd>
        </dl>
      </section>
      <section aria-labelledby="dealings">
        <h2 id="dealings">Dealings of this interval</h2>
        <p className="small muted">
          They make the keys that block {formatCount(next)} will hold, in force from{' '}
          {formatCount(next + interval.length + 1)} on.
        </p>
        <Dealings interval={interval} nodes={nodes} />
        <Complaints interval={interval} />
      </section>
      <section aria-labelledby="next-keys">
        <h2 id="next-keys">Keys from block {formatCount(next)} on</h2>
        <Results interval={interval} />
      </section>
      <Mutating>
        <Membership />
      </Mutating>
    </div>
  );
}

interface DealingsProps {
  readonly interval: IntervalView;
  readonly nodes: readonly NodeView[];
}

function Dealings({ interval, nodes }: DealingsProps) {
  const dealers = nodes.filter(({ nodeId }) =>
    TAGS.some(
      ([tag]) =>
        interval.receivers.includes(nodeId) ||
        interval.runs[tag].dealt.includes(nodeId) ||
        interval.runs[tag].included.includes(nodeId),
    ),
  );
  return (
    <div className="table-wrap" tabIndex={0} role="region" aria-label="Dealings">
      <table>
        <thead>
          <tr>
            <th scope="col">Dealer</th>
            {TAGS.map(([tag, name, meaning]) => (
              <th key={tag} scope="col" title={meaning}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {dealers.map(({ nodeId, label }) => (
            <tr key={nodeId}>
              <th scope="row">{label}</th>
              {TAGS.map(([tag]) => {
                const [mark, word, tone] = dealingState(interval, tag, nodeId);
                return (
                  <td key={tag} className={`tone-${tone}`}>
                    <span aria-hidden="true">{mark}</span> {word}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function dealingState(
  { runs }: IntervalView,
  tag: KeyTag,
  nodeId: NodeView['nodeId'],
): readonly [mark: string, word: string, tone: string] {
  const { dealt, included, complaints } = runs[tag];
  if (complaints.some(({ dealer }) => dealer === nodeId)) {
    return ['×', 'proved wrong', 'error'];
  }
  if (included.includes(nodeId)) {
    return ['●', 'in a block', 'good'];
  }
  return dealt.includes(nodeId) ? ['◐', 'dealt', 'info'] : ['○', 'not yet', 'info'];
}

function Complaints({ interval }: { readonly interval: IntervalView }) {
  const all = useProjection((projection) =>
    TAGS.flatMap(([tag, name]) =>
      interval.runs[tag].complaints.map(
        ({ dealer, complainer }) =>
          `${nodeLabel(projection, complainer)} proved that ${nodeLabel(projection, dealer)} dealt a bad piece (${name.toLowerCase()}).`,
      ),
    ),
  );
  return all.length === 0 ? null : (
    <ul className="small tone-error">
      {all.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

/** What the summary block at the start of this interval said of the keys of the next one. */
function Results({ interval }: { readonly interval: IntervalView }) {
  if (interval.height === 0) {
    return (
      <p className="small muted">The same as now: they were dealt when the network was made.</p>
    );
  }
  return (
    <dl className="fields">
      {TAGS.map(([tag, name]) => {
        const result = interval.results[tag];
        return (
          <div key={tag} className="fields-row">
            <dt>{name}</dt>
            <dd>
              {result === null ? (
                'no word of it yet'
              ) : result.kind === 'created' ? (
                <>
                  <span className="mono">{shortHash(result.transcript)}</span> of {result.dealers}{' '}
                  dealings
                </>
              ) : (
                <span className="tone-warning">the old one stays: {result.reason}</span>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
