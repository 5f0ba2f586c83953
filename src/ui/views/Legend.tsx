import { CatchUpFlag, TILE, TileShape } from '../charts/BlockTree.tsx';
import { isTroubled } from '../charts/NodeMarks.tsx';
import { useProjection, useSubnets } from '../services.tsx';
import type { BlockView } from '../../wire/projection.ts';

const BLOCK_STATES: readonly (readonly [BlockView['state'], string, boolean])[] = [
  ['proposed', 'proposed', false],
  ['notarized', 'notarized', false],
  ['finalized', 'finalized', false],
  ['finalized', 'summary', true],
  ['dead', 'dead', false],
];

const PACKETS: readonly (readonly [token: string, word: string, square?: true])[] = [
  ['--block', 'block', true],
  ['--beacon', 'beacon'],
  ['--notarization', 'notarization'],
  ['--finalization', 'finalization'],
  ['--certification', 'certification'],
  ['--tape', 'tape'],
  ['--cup', 'keys, catch-up'],
  ['--ingress', 'call'],
];

const BETWEEN_SUBNETS: (typeof PACKETS)[number] = ['--stream', 'message between subnets', true];

/** What the shapes and dots of the scene mean. */
export function Legend() {
  const hasSeveral = useSubnets((all) => all.length > 1);
  return (
    <div className="legend">
      <ul aria-label="Blocks">
        {BLOCK_STATES.map(([state, word, isSummary]) => (
          <li key={word}>
            <svg
              width={TILE}
              height={TILE}
              viewBox={`${-TILE / 2 - 2} ${-TILE / 2 - 2} ${TILE + 4} ${TILE + 4}`}
              aria-hidden="true"
            >
              <g className={`tile tile-${state}`}>
                <TileShape block={{ state, facts: { isSummary, ingress: 0 } }} />
              </g>
            </svg>
            {word}
          </li>
        ))}
        <li>
          <svg width="10" height="10" aria-hidden="true">
            <circle className="tree-seal" cx="5" cy="5" r="3" />
          </svg>
          state certified
        </li>
        <li>
          <svg width="14" height="18" viewBox="-7 -13 14 20" aria-hidden="true">
            <CatchUpFlag y={0} />
          </svg>
          catch-up package
        </li>
        <li>
          <span className="legend-band" />
          key interval
        </li>
      </ul>
      <NodeMarkLegend />
      <ul aria-label="Messages in flight">
        {[...PACKETS, ...(hasSeveral ? [BETWEEN_SUBNETS] : [])].map(([token, word, square]) => (
          <li key={token}>
            <span
              className={`legend-dot ${square === true ? 'legend-square' : ''}`}
              style={{ background: `var(${token})` }}
            />
            {word}
          </li>
        ))}
        {hasSeveral ? (
          <li>
            <b className="mono">2/5</b> of 5 messages sent, 2 were taken
          </li>
        ) : null}
      </ul>
    </div>
  );
}

/** Marks of nodes are explained while there are any. */
function NodeMarkLegend() {
  const some = useProjection(({ nodes, partitions }) => ({
    attack: nodes.some((node) => node.behaviours.length > 0),
    world: nodes.some(isTroubled),
    side: partitions.length > 0,
    sync: nodes.some((node) => node.sync !== null),
  }));
  const marks = [
    some.attack && ['ψ', 'breaks the rules'],
    some.world && ['!', 'bad conditions'],
    some.side && ['A', 'side of the partition'],
    some.sync && ['◔', 'has fetched so much of the state'],
  ].filter((mark) => mark !== false);
  return marks.length === 0 ? null : (
    <ul aria-label="Marks of nodes">
      {marks.map(([mark, word]) => (
        <li key={word}>
          <b aria-hidden="true">{mark}</b> {word}
        </li>
      ))}
    </ul>
  );
}
