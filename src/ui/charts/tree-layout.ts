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
  }[];
}

export const COLUMN_WIDTH = 28;
export const ROW_HEIGHT = 30;
export const MAX_COLUMNS = 30;
export const MAX_ROWS = 3;
export const TOP = 20;

/** One column a height, newest at the right edge; one row a block, lowest rank on top. */
export function treeLayout(heights: readonly HeightView[], width: number): TreeLayout {
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
    columns: columns.map(({ height, certified }) => ({ height, x: xOf(height), certified })),
  };
}
