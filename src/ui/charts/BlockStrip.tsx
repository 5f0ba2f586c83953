import { memo } from 'react';
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
  const first = (width - (tiles.length - 1) * STEP) / 2;
  // Tiles keep their places while new heights move all of them.
  return (
    <svg className="world-strip" width={width} height={height} aria-hidden="true">
      <g transform={`translate(${first - STEP * (tiles[0]?.facts.height ?? 0)} 0)`}>
        {tiles.map((block) => (
          <StripTile
            key={block.facts.height}
            block={block}
            x={block.facts.height * STEP}
            y={height / 2 + 3}
          />
        ))}
      </g>
    </svg>
  );
}

interface StripTileProps {
  readonly block: BlockView;
  readonly x: number;
  readonly y: number;
}

const StripTile = memo(function StripTile({ block, x, y }: StripTileProps) {
  return (
    <g className={`tile tile-${block.state}`} transform={`translate(${x} ${y}) scale(${SCALE})`}>
      <TileShape block={block} />
    </g>
  );
});
