import { arc } from 'd3';
import { HEALTHY_NODE, type NodeConditions } from '../../wire/node-conditions.ts';
import type { NodeView } from '../../wire/projection.ts';

const WORLD_KEYS = Object.keys(HEALTHY_NODE) as readonly (keyof NodeConditions)[];

/** Whether the world is not as it should be for the node. */
export function isTroubled({ world }: NodeView): boolean {
  return WORLD_KEYS.some((key) => world[key] !== HEALTHY_NODE[key]);
}

/** The same marks for readers who do not see them. */
export function marksInWords(node: NodeView, side: string | undefined): string {
  return [
    node.behaviours.length > 0 && ', breaks the rules on purpose',
    isTroubled(node) && ', the world is against it',
    side !== undefined && `, side ${side}`,
  ]
    .filter((words) => words !== false)
    .join('');
}

interface NodeMarksProps {
  readonly node: NodeView;
  readonly side: string | undefined;
  readonly radius: number;
}

/** Badges around a node: fork = it breaks rules, spanner = bad conditions, letter = side of a partition. */
export function NodeMarks({ node, side, radius }: NodeMarksProps) {
  const corner = radius * 0.9;
  return (
    <>
      <SyncArc node={node} radius={radius} />
      {node.behaviours.length > 0 ? (
        <g transform={`translate(${-corner} ${-corner})`}>
          <circle className="ring-mark ring-mark-attack" r="10" />
          <path className="ring-mark-fork" d="M0 6V0M-4-5.5V-3Q-4 0 0 0T4-3V-5.5M0-5.5V0" />
        </g>
      ) : null}
      {isTroubled(node) ? (
        <g transform={`translate(${-corner} ${corner})`}>
          <circle className="ring-mark ring-mark-world" r="9" />
          <text className="ring-mark-text" dy="0.35em">
            !
          </text>
        </g>
      ) : null}
      {side === undefined ? null : (
        <g transform={`translate(${corner} ${corner})`}>
          <rect
            className={`ring-mark ring-side-${side}`}
            x="-10"
            y="-10"
            width="20"
            height="20"
            rx="4"
          />
          <text className="ring-mark-text" dy="0.35em">
            {side}
          </text>
        </g>
      )}
    </>
  );
}

/** How much of the state a joining node has. */
function SyncArc({ node: { sync }, radius }: Omit<NodeMarksProps, 'side'>) {
  if (sync === null) {
    return null;
  }
  const share = sync.chunksTotal === 0 ? 0 : sync.chunksDone / sync.chunksTotal;
  const ring = { innerRadius: radius + 4, outerRadius: radius + 8, startAngle: 0 };
  const path = (part: number): string => arc()({ ...ring, endAngle: 2 * Math.PI * part }) ?? '';
  return (
    <>
      <path className="sync-track" d={path(1)} />
      <path className="sync-done" d={path(share)} />
    </>
  );
}
