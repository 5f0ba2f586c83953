import type { BlockView } from '../../wire/projection.ts';
import { useProjection } from '../services.tsx';
import { TILE, TileShape } from './BlockTree.tsx';

const SCALE = 0.6;
const STEP = TILE * SCALE + 4;
const MAX_TILES = 14;
const ORDER: readonly BlockView['state'][] = ['finalized', 'notarized', 'proposed', 'dead'];

/** The newest heights of a subnet as one row of tiles; the block tree below tells more. */
export function BlockStrip({ width, height }: { readonly width: number; readonly height: number }) {
  const count = Math.min(MAX_TILES, Math.floor(width / STEP));
  const heights = useProjection((projection) => projection.heights);
  const tiles = heights.slice(-count).flatMap((view) => {
    const best = ORDER.flatMap((state) => view.blocks.filter((block) => block.state === state))[0];
    return best === undefined ? [] : [best];
  });
  return (
    <svg className="world-strip" width={width} height={height} aria-hidden="true">
      {tiles.map((block, place) => (
        <g
          key={block.facts.height}
          className={`tile tile-${block.state}`}
          transform={`translate(${(width - (tiles.length - 1) * STEP) / 2 + place * STEP} ${height / 2 + 3}) scale(${SCALE})`}
        >
          <TileShape block={block} />
        </g>
      ))}
    </svg>
  );
}
