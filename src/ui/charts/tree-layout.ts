import type { BlockView, HeightView } from '../../wire/projection.ts';

export interface PlacedBlock {
  readonly block: BlockView;
  readonly x: number;
  readonly y: number;
}

export interface TreeEdge {
  readonly key: string;
  readonly from: PlacedBlock;
  readonly to: PlacedBlock;
}

export interface TreeLayout {
  readonly blocks: readonly PlacedBlock[];
  readonly edges: readonly TreeEdge[];
  /** Heights shown, oldest first, with the x of their column. */
  readonly columns: readonly {
    readonly height: number;
    readonly x: number;
    readonly certified: boolean;
    readonly hasCatchUpPackage: boolean;
  }[];
  readonly bands: readonly IntervalBand[];
}

/** The columns of one key interval: from its summary block up to the next one. */
export interface IntervalBand {
  readonly index: number;
  readonly first: number;
  readonly x: number;
  readonly width: number;
}

export const COLUMN_WIDTH = 28;
export const ROW_HEIGHT = 30;
export const MAX_COLUMNS = 30;
export const MAX_ROWS = 3;
export const TOP = 20;

/** One column a height, newest at the right edge; one row a block, lowest rank on top. */
export function treeLayout(
  heights: readonly HeightView[],
  width: number,
  intervalLength: number,
): TreeLayout {
  const fitting = Math.floor((width - 8) / COLUMN_WIDTH);
  const columns = heights
    .filter((view) => view.blocks.length > 0)
    .slice(-Math.max(1, Math.min(MAX_COLUMNS, fitting)));
  const newest = columns.at(-1)?.height ?? 0;
  const xOf = (height: number): number => width - 4 - COLUMN_WIDTH * (newest - height + 0.5);
  const blocks = columns.flatMap((view) =>
    view.blocks.slice(0, MAX_ROWS).map((block, row) => ({
      block,
      x: xOf(view.height),
      y: TOP + ROW_HEIGHT * (row + 0.5),
    })),
  );
  const byHash = new Map<string, PlacedBlock>(
    blocks.map((placed) => [placed.block.facts.hash, placed]),
  );
  const edges = blocks.flatMap((to) => {
    const from = byHash.get(to.block.facts.parent);
    return from === undefined ? [] : [{ key: to.block.facts.hash, from, to }];
  });
  return {
    blocks,
    edges,
    columns: columns.map(({ height, certified, hasCatchUpPackage }) => ({
      height,
      x: xOf(height),
      certified,
      hasCatchUpPackage,
    })),
    bands: bandsOf(columns, intervalLength, xOf),
  };
}

function bandsOf(
  columns: readonly HeightView[],
  intervalLength: number,
  xOf: (height: number) => number,
): readonly IntervalBand[] {
  const step = intervalLength + 1;
  const oldest = columns[0]?.height;
  const newest = columns.at(-1)?.height;
  if (oldest === undefined || newest === undefined || intervalLength < 1) {
    return [];
  }
  const firstIndex = Math.floor(oldest / step);
  const count = Math.floor(newest / step) - firstIndex + 1;
  return Array.from({ length: count }, (_, offset) => {
    const index = firstIndex + offset;
    const from = Math.max(oldest, index * step);
    const to = Math.min(newest, (index + 1) * step - 1);
    const x = xOf(from) - COLUMN_WIDTH / 2;
    return { index, first: index * step, x, width: COLUMN_WIDTH * (to - from + 1) };
  });
}
