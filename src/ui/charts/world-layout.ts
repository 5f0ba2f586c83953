import type { Point } from './ring-layout.ts';

export interface WorldLayout {
  /** Centres of the subnets' rings, in the order of the topology. */
  readonly centres: readonly Point[];
  /** From the centre of a ring to the outer edge of its nodes. */
  readonly radius: number;
}

/** Room above a ring for the subnet's name and a crown that sticks out, and below it for its blocks. */
export const WORLD_HEAD = 50;
export const WORLD_FOOT = 26;
/** Streams need some way between two rings. */
const GAP = { wide: 92, narrow: 20 } as const;
const NARROW = 560;
/** More rings than this stand in rows. */
const CROWDED = 6;
const MAX_RADIUS = 118;
/** Of the box that is used. */
const MAX_ASPECT = 2.6;
const MIN_RADIUS = 40;

/**
 * Places `count` rings of one size into a box, as large as they can be: side by side, or around a
 * common middle, so that no stream between two of up to six crosses a third.
 */
export function worldLayout(count: number, width: number, height: number): WorldLayout {
  const gap = width < NARROW || count > CROWDED ? GAP.narrow : GAP.wide;
  const polygons = (free: 'whole' | 'ring') =>
    arrangements(count).map((places) => fitted(places, width, height, gap, free));
  const rows = grids(count).map((grid) => fitted(grid, width, height, gap, 'no'));
  const tidy = [...polygons('whole'), ...rows].filter((layout) => layout !== undefined);
  const [first, ...rest] =
    tidy.length > 0 ? tidy : polygons('ring').filter((layout) => layout !== undefined);
  return rest.reduce<WorldLayout>(
    (best, layout) => (layout.radius > best.radius ? layout : best),
    first ?? leastEvil(count, width, height),
  );
}

/** Where nothing fits: small rings that may touch. */
function leastEvil(count: number, width: number, height: number): WorldLayout {
  const [places = []] = arrangements(count);
  return {
    radius: MIN_RADIUS,
    centres: places.map((place) => scaled(place, MIN_RADIUS, width, height)),
  };
}

/** Height that a box of this width should have. */
export function worldHeight(count: number, width: number): number {
  if (width >= NARROW) {
    return count <= 3 ? 330 : count <= 4 ? 430 : 500;
  }
  return count <= 2 ? 230 : count <= 3 ? 570 : count <= 4 ? 440 : 640;
}

/** Ways to place them, as shares of the room there is: 0 to 1 each way. */
function arrangements(count: number): readonly (readonly Point[])[] {
  if (count <= 1) {
    return [[{ x: 0.5, y: 0.5 }]];
  }
  return count === 2
    ? [[0, 1].map((x) => ({ x, y: 0.5 }))]
    : [0, 0.25, 0.5, 0.75].map((turn) => polygon(count, turn));
}

/** Corners of a regular polygon, turned by a share of a corner and stretched over the unit square. */
function polygon(count: number, turn: number): readonly Point[] {
  const corners = Array.from({ length: count }, (_, index) => {
    const angle = (2 * Math.PI * (index + turn)) / count - Math.PI / 2;
    return { x: Math.cos(angle), y: Math.sin(angle) };
  });
  // As text is read: from the top, each row from the left.
  return stretched(corners).toSorted((a, b) => (Math.abs(a.y - b.y) < 0.1 ? a.x - b.x : a.y - b.y));
}

function stretched(corners: readonly Point[]): readonly Point[] {
  const share = (value: number, all: readonly number[]): number => {
    const [low, high] = [Math.min(...all), Math.max(...all)];
    return high - low < 1e-9 ? 0.5 : (value - low) / (high - low);
  };
  return corners.map(({ x, y }) => ({
    x: share(
      x,
      corners.map((corner) => corner.x),
    ),
    y: share(
      y,
      corners.map((corner) => corner.y),
    ),
  }));
}

function scaled({ x, y }: Point, radius: number, width: number, height: number): Point {
  const [top, bottom] = [WORLD_HEAD + radius, height - WORLD_FOOT - radius];
  // Far more wide than high, rings would stand in one line.
  const used = Math.min(width, MAX_ASPECT * height);
  const side = radius + 6 + (width - used) / 2;
  return { x: side + x * (width - 2 * side), y: top + y * Math.max(0, bottom - top) };
}

/** Rows of two, or of four: for so many that streams cross rings anyway. */
function grids(count: number): readonly (readonly Point[])[] {
  return count <= CROWDED
    ? []
    : [2, 4].map((columns) =>
        stretched(
          Array.from({ length: count }, (_, index) => ({
            x: index % columns,
            y: Math.floor(index / columns),
          })),
        ),
      );
}

/** At the largest radius that leaves them apart; undefined where none does. */
function fitted(
  places: readonly Point[],
  width: number,
  height: number,
  gap: number,
  free: 'whole' | 'ring' | 'no',
): WorldLayout | undefined {
  for (let radius = MAX_RADIUS; radius >= MIN_RADIUS; radius -= 2) {
    const centres = places.map((place) => scaled(place, radius, width, height));
    const fits = height >= WORLD_HEAD + WORLD_FOOT + 2 * radius;
    if (
      fits &&
      allApart(centres, radius, gap) &&
      (free === 'no' || allFree(centres, radius, free === 'whole'))
    ) {
      return { centres, radius };
    }
  }
  return undefined;
}

/** Whether boxes do not touch: side by side there is the gap, one below the other its head and foot. */
function allApart(centres: readonly Point[], radius: number, gap: number): boolean {
  return centres.every((own, index) =>
    centres.every((other, otherIndex) => {
      const besides = Math.abs(own.x - other.x) - 2 * radius;
      const below = Math.abs(own.y - other.y) - 2 * radius - WORLD_HEAD - WORLD_FOOT;
      return index === otherIndex || besides >= gap || below >= 4;
    }),
  );
}

/** Whether no stream between two of them crosses a third. */
function allFree(centres: readonly Point[], radius: number, whole: boolean): boolean {
  return centres.every((from, a) =>
    centres.every((to, b) => {
      const lane = laneBetween(from, to, radius);
      return centres.every(
        (third, c) => a === b || c === a || c === b || isFree(lane, third, radius, whole),
      );
    }),
  );
}

/** @param whole the name above and the blocks below are in the way too */
function isFree(lane: Lane, { x, y }: Point, radius: number, whole: boolean): boolean {
  return LANE_PROBES.every((share) => {
    const at = onLane(lane, share);
    const isBesides = Math.abs(at.x - x) > radius + 4;
    const isPast = at.y < y - radius - WORLD_HEAD || at.y > y + radius + WORLD_FOOT + 8;
    return Math.hypot(at.x - x, at.y - y) > radius + 4 && (!whole || isBesides || isPast);
  });
}

/** One direction of a stream: a curve that bows to the left of its way, so that two show. */
export interface Lane {
  readonly start: Point;
  readonly control: Point;
  readonly end: Point;
}

const LANE_BOW = 0.16;
/** Pixels. */
const MAX_BOW = 64;
const LANE_PROBES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/** From the edge of one ring to that of another. */
export function laneBetween(from: Point, to: Point, radius: number): Lane {
  const [x, y] = [to.x - from.x, to.y - from.y];
  const bow = Math.min(LANE_BOW, MAX_BOW / Math.max(1, Math.hypot(x, y)));
  const control = { x: (from.x + to.x) / 2 - y * bow, y: (from.y + to.y) / 2 + x * bow };
  return { start: edge(from, control, radius), control, end: edge(to, control, radius) };
}

function edge(centre: Point, towards: Point, radius: number): Point {
  const [x, y] = [towards.x - centre.x, towards.y - centre.y];
  const share = (radius + 7) / Math.max(1, Math.hypot(x, y));
  return { x: centre.x + x * share, y: centre.y + y * share };
}

/** The place at a share of the way. */
export function onLane({ start, control, end }: Lane, share: number): Point {
  const rest = 1 - share;
  const mix = (a: number, b: number, c: number): number =>
    rest * rest * a + 2 * rest * share * b + share * share * c;
  return { x: mix(start.x, control.x, end.x), y: mix(start.y, control.y, end.y) };
}

/** The middle of a stream's label. */
export interface LabelPlace {
  readonly at: Point;
  /** Whether there is room for words. */
  readonly isWide: boolean;
}

/** Pixels, of a label with words, of one with figures, and of both. */
const WIDE_LABEL = 142;
const SHORT_LABEL = 52;
const LABEL_HEIGHT = 26;
/** Where a label may stand, as shares of the way, the best first. */
const LABEL_SHARES = [
  0.42, 0.5, 0.46, 0.38, 0.34, 0.54, 0.58, 0.3, 0.62, 0.26, 0.66, 0.22, 0.7, 0.74, 0.18, 0.78,
];

/** Pixels beside the lane. */
const LABEL_OFFSETS = [0, 30, 62];

/**
 * A place for the label of each lane, so that none covers a ring, a name, a row of blocks or another
 * label; where that can't be, one that covers no other label, and else the usual one. Words only where
 * all of them have room.
 */
export function labelPlaces(
  lanes: readonly Lane[],
  layout: WorldLayout,
  boxWidth: number,
): readonly LabelPlace[] {
  const wide = placed(lanes, layout, WIDE_LABEL, boxWidth);
  return wide.every(({ isFree: free }) => free)
    ? wide.map(({ at }) => ({ at, isWide: true }))
    : placed(lanes, layout, SHORT_LABEL, boxWidth).map(({ at }) => ({ at, isWide: false }));
}

function placed(
  lanes: readonly Lane[],
  { centres, radius }: WorldLayout,
  width: number,
  boxWidth: number,
) {
  const taken: Point[] = [];
  return lanes.map((lane) => {
    const apart = candidates(lane).filter(
      (at) =>
        at.x >= width / 2 &&
        at.x <= boxWidth - width / 2 &&
        taken.every(
          ({ x, y }) => Math.abs(at.x - x) >= width + 4 || Math.abs(at.y - y) >= LABEL_HEIGHT,
        ),
    );
    const free = apart.find((at) =>
      centres.every((centre) => isClearOf(at, centre, radius, width)),
    );
    const at = free ?? apart[0] ?? onLane(lane, LABEL_SHARES[0] ?? 0.5);
    taken.push(at);
    return { at, isFree: free !== undefined };
  });
}

/** On the lane, and then beside it, on the side to which it bows. */
function candidates(lane: Lane): readonly Point[] {
  const { start, control, end } = lane;
  const [x, y] = [control.x - (start.x + end.x) / 2, control.y - (start.y + end.y) / 2];
  const length = Math.max(1, Math.hypot(x, y));
  return LABEL_OFFSETS.flatMap((offset) =>
    LABEL_SHARES.map((share) => {
      const at = onLane(lane, share);
      return { x: at.x + (offset * x) / length, y: at.y + (offset * y) / length };
    }),
  );
}

/** Whether a label at that place touches neither the ring nor what stands above and below it. */
function isClearOf(at: Point, centre: Point, radius: number, width: number): boolean {
  const besides = Math.abs(at.x - centre.x) - width / 2;
  const below = Math.abs(at.y - centre.y) - LABEL_HEIGHT / 2;
  const isOff = Math.hypot(Math.max(0, besides), Math.max(0, below)) > radius + 2;
  const text = Math.min(radius, TEXT_HALF);
  const isInBox =
    besides < text &&
    at.y + LABEL_HEIGHT / 2 > centre.y - radius - WORLD_HEAD &&
    at.y - LABEL_HEIGHT / 2 < centre.y + radius + WORLD_FOOT;
  return isOff && !isInBox;
}

/** Half of the width of a subnet's name and of its blocks. */
const TEXT_HALF = 66;
