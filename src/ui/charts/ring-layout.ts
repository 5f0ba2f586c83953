export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface RingLayout {
  readonly centre: Point;
  /** Radius of a node's circle; its hit area is never below 12. */
  readonly nodeRadius: number;
  /** Radius of the share dial in the middle. */
  readonly dialRadius: number;
  /** By index of the node: fixed angles, the first at the top, clockwise. */
  readonly positions: readonly Point[];
}

/** Space that labels need left and right of, and below, a node. */
const LABEL_MARGIN = 44;

/** Places `count` nodes on an ellipse that fills the given box; beyond 20 on two rings. */
export function ringLayout(count: number, width: number, height: number): RingLayout {
  const centre = { x: width / 2, y: height / 2 - 6 };
  const nodeRadius = count <= 7 ? 26 : count <= 13 ? 20 : 14;
  const radiusY = Math.max(60, height / 2 - nodeRadius - LABEL_MARGIN + 6);
  const radiusX = Math.max(80, Math.min(width / 2 - nodeRadius - LABEL_MARGIN, radiusY * 1.7));
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
    Math.min(74, radiusY - nodeRadius - LABEL_MARGIN, radiusX - nodeRadius - 28),
  );
  return { centre, nodeRadius, dialRadius, positions };
}
