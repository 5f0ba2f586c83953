export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A node's name and height, its height alone, or nothing: the circle shows the number anyway. */
export type RingLabels = 'full' | 'height' | 'none';

export interface RingLayout {
  readonly centre: Point;
  /** Radius of a node's circle; its hit area is never below 12. */
  readonly nodeRadius: number;
  /** Radius of the share dial in the middle. */
  readonly dialRadius: number;
  /** What has room under each node without touching another one. */
  readonly labels: RingLabels;
  /** By index of the node: fixed angles, the first at the top, clockwise. */
  readonly positions: readonly Point[];
}

/** A small ring without labels: several stand side by side. */
export function compactRing(count: number, width: number, height: number): RingLayout {
  const centre = { x: width / 2, y: height / 2 };
  const room = Math.min(width, height) / 2;
  const besides = (Math.PI * (room - 18)) / Math.max(count, 5) - 2;
  const nodeRadius = Math.max(7, Math.min(17, room * 0.19, besides));
  const orbit = room - nodeRadius - 5;
  const positions = Array.from({ length: count }, (_, index) => {
    const angle = (2 * Math.PI * index) / count - Math.PI / 2;
    return { x: centre.x + orbit * Math.cos(angle), y: centre.y + orbit * Math.sin(angle) };
  });
  const dialRadius = Math.max(17, Math.min(48, orbit - nodeRadius - 9));
  return { centre, nodeRadius, dialRadius, labels: 'none', positions };
}

interface LabelSize {
  readonly labels: RingLabels;
  /** Space left and right of, and below, a node. */
  readonly margin: number;
  readonly halfWidth: number;
  readonly height: number;
}

/** The better one first; widths are those of "Node 40" and of a five-digit height. */
const LABEL_SIZES: readonly LabelSize[] = [
  { labels: 'full', margin: 44, halfWidth: 28, height: 34 },
  { labels: 'height', margin: 26, halfWidth: 18, height: 16 },
];
/** Pixels: a box of less height has smaller nodes, so that labels stay clear of the dial. */
const LOW_BOX = 360;
const BARE: LabelSize = { labels: 'none', margin: 12, halfWidth: 0, height: 0 };

/** Places `count` nodes on an ellipse that fills the given box; beyond 20 on two rings. */
export function ringLayout(count: number, width: number, height: number): RingLayout {
  const tried = LABEL_SIZES.map((size) => ({
    size,
    layout: layoutFor(count, width, height, size),
  }));
  const fitting = tried.find(({ size, layout }) => !labelsCollide(layout, size));
  return fitting?.layout ?? layoutFor(count, width, height, BARE);
}

function layoutFor(
  count: number,
  width: number,
  height: number,
  { labels, margin }: LabelSize,
): RingLayout {
  const centre = { x: width / 2, y: height / 2 - 6 };
  const nodeRadius = count <= 7 ? (height < LOW_BOX ? 22 : 26) : count <= 13 ? 20 : 14;
  const radiusY = Math.max(60, height / 2 - nodeRadius - margin + 6);
  const radiusX = Math.max(80, Math.min(width / 2 - nodeRadius - margin, radiusY * 1.7));
  const positions = Array.from({ length: count }, (_, index) => {
    const angle = (2 * Math.PI * index) / count - Math.PI / 2;
    const shrink = count > 20 && index % 2 === 1 ? 0.72 : 1;
    return {
      x: centre.x + radiusX * shrink * Math.cos(angle),
      y: centre.y + radiusY * shrink * Math.sin(angle),
    };
  });
  const dialRadius = Math.max(
    34,
    Math.min(74, radiusY - nodeRadius - margin, radiusX - nodeRadius - 28),
  );
  return { centre, nodeRadius, dialRadius, labels, positions };
}

/** Whether the label below some node touches another node or its label. */
function labelsCollide(
  { positions, nodeRadius }: RingLayout,
  { halfWidth, height }: LabelSize,
): boolean {
  return positions.some((own, index) =>
    positions.some((other, otherIndex) => {
      const besides = Math.abs(other.x - own.x);
      const below = other.y - own.y;
      const reach = nodeRadius + height;
      return (
        index !== otherIndex &&
        besides < halfWidth + Math.max(nodeRadius, halfWidth) &&
        below > -height &&
        below < reach + nodeRadius
      );
    }),
  );
}
