import { memo } from 'react';
import type { BlockView } from '../../wire/projection.ts';
import { nodeLabel } from '../store/derive.ts';
import { formatCount } from '../store/format.ts';
import { useProjection, useServices, useUi } from '../services.tsx';
import { isActivation } from './activation.ts';
import {
  COLUMN_WIDTH,
  MAX_ROWS,
  type PlacedBlock,
  ROW_HEIGHT,
  TOP,
  treeLayout,
} from './tree-layout.ts';
import { useSize } from './use-size.ts';

const LABEL_EVERY = 5;
const TREE_HEIGHT = TOP + MAX_ROWS * ROW_HEIGHT + 20;

/** The last heights as columns; what the subnet agreed on is one line of full tiles. */
export function BlockTree() {
  const [ref, size] = useSize<HTMLDivElement>();
  const heights = useProjection((projection) => projection.heights);
  const length = useProjection((projection) => projection.interval.length);
  const layout = size === null ? null : treeLayout(heights, size.width, length);
  // Tiles keep their places while new heights move all of them.
  const shift = COLUMN_WIDTH * (layout?.columns.at(-1)?.height ?? 0);
  return (
    <div className="tree" ref={ref} role="group" aria-label="Blocks by height and rank">
      {layout === null || size === null ? null : (
        <svg width={size.width} height={TREE_HEIGHT}>
          <defs>
            <pattern
              id="dead"
              width="5"
              height="5"
              patternUnits="userSpaceOnUse"
              patternTransform="rotate(45)"
            >
              <rect className="tile-hatch" width="2" height="5" />
            </pattern>
          </defs>
          {layout.bands.map(({ index, first, x, width }) => (
            <g key={index}>
              <rect
                className={`tree-band tree-band-${index % 2}`}
                x={x}
                y="16"
                width={width}
                height={TREE_HEIGHT - 16}
              >
                <title>{`Key interval ${index}: from summary block ${formatCount(first)} on`}</title>
              </rect>
            </g>
          ))}
          {layout.columns.map(({ height, x, certified, hasCatchUpPackage }) => (
            <g key={height} transform={`translate(${x} 0)`}>
              {height % LABEL_EVERY === 0 ? (
                <>
                  <line className="tree-grid" y1="18" y2={TREE_HEIGHT - 24} />
                  <text className="tree-label" y="12">
                    {formatCount(height)}
                  </text>
                </>
              ) : null}
              {hasCatchUpPackage ? <CatchUpFlag y={TREE_HEIGHT - 10} height={height} /> : null}
              {certified && !hasCatchUpPackage ? (
                <circle className="tree-seal" cy={TREE_HEIGHT - 12} r="3" />
              ) : null}
            </g>
          ))}
          {layout.edges.map(({ key, from, to }) => (
            <line
              key={key}
              className={`tree-edge tree-edge-${to.block.state}`}
              x1={from.x + TILE / 2}
              y1={from.y}
              x2={to.x - TILE / 2}
              y2={to.y}
            />
          ))}
          <g transform={`translate(${-shift} 0)`}>
            {layout.blocks.map(({ block, x, y }) => (
              <Tile key={block.facts.hash} block={block} x={x + shift} y={y} />
            ))}
          </g>
        </svg>
      )}
      {heights.length === 0 ? (
        <p className="muted tree-empty">The first block is being made.</p>
      ) : null}
    </div>
  );
}

/** The subnet signed a catch-up package here: a newcomer can start from it. */
export function CatchUpFlag({ y, height }: { readonly y: number; readonly height?: number }) {
  return (
    <path className="tree-flag" transform={`translate(0 ${y})`} d="M-5 5V-11M-5-11H6L3-7.5 6-4H-5">
      {height === undefined ? null : (
        <title>{`Catch-up package of height ${formatCount(height)}`}</title>
      )}
    </path>
  );
}

export const TILE = COLUMN_WIDTH - 8;

const Tile = memo(function Tile({ block, x, y }: PlacedBlock) {
  const { ui } = useServices();
  const { facts, state } = block;
  const maker = useProjection((projection) => nodeLabel(projection, facts.maker));
  const selected = useUi(
    ({ selection }) => selection?.kind === 'block' && selection.hash === facts.hash,
  );
  const select = (): void => ui.setState({ selection: { kind: 'block', hash: facts.hash } });
  const kind = facts.isSummary ? 'summary block' : 'block';
  return (
    <g
      className={`tile tile-${state} ${selected ? 'tile-selected' : ''}`}
      transform={`translate(${x} ${y})`}
      role="button"
      tabIndex={0}
      aria-pressed={selected}
      aria-label={`Height ${facts.height}, ${kind} of ${maker}, rank ${facts.rank}, ${state}`}
      onClick={select}
      onKeyDown={(event) => {
        if (isActivation(event)) {
          select();
        }
      }}
    >
      <rect className="tile-hit" x={-COLUMN_WIDTH / 2} y="-14" width={COLUMN_WIDTH} height="28" />
      <TileShape block={block} />
    </g>
  );
});

interface TileFacts {
  readonly state: BlockView['state'];
  readonly facts: Pick<BlockView['facts'], 'isSummary' | 'ingress'>;
}

/** The one look of a block: outline proposed, half notarized, full finalized, hatched dead. */
export function TileShape({ block }: { readonly block: TileFacts }) {
  const { state, facts } = block;
  const half = TILE / 2;
  return (
    <>
      <path className="tile-body" d={outline(half, facts.isSummary)} />
      {state === 'notarized' ? <path className="tile-half" d={lowerHalf(half)} /> : null}
      {state === 'dead' ? <path className="tile-dead" d={outline(half, facts.isSummary)} /> : null}
      {facts.ingress > 0 ? (
        <rect
          className="tile-payload"
          x={-half + 3}
          y={half - 6}
          width={payloadWidth(facts.ingress)}
          height="3"
          rx="1.5"
        />
      ) : null}
      {state === 'finalized' ? (
        <path
          className="tile-tick"
          transform={facts.ingress > 0 ? 'translate(0 -2.5)' : undefined}
          d="m-4.5-.5 3.5 3.5 6-6.5"
        />
      ) : null}
    </>
  );
}

function payloadWidth(ingress: number): number {
  return Math.min(TILE - 6, 4 + 2 * ingress);
}

/** A rounded tile; a summary block has its upper right corner cut off. */
function outline(half: number, isSummary: boolean): string {
  const r = 5;
  const corner = isSummary
    ? `H${half - 8}L${half} ${-half + 8}`
    : `H${half - r}Q${half} ${-half} ${half} ${-half + r}`;
  return `M${-half + r} ${-half}${corner}V${half - r}Q${half} ${half} ${half - r} ${half}H${-half + r}Q${-half} ${half} ${-half} ${half - r}V${-half + r}Q${-half} ${-half} ${-half + r} ${-half}Z`;
}

function lowerHalf(half: number): string {
  const r = 5;
  return `M${-half} 0H${half}V${half - r}Q${half} ${half} ${half - r} ${half}H${-half + r}Q${-half} ${half} ${-half} ${half - r}Z`;
}
