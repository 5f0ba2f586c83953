import { memo, useMemo } from 'react';
import type { BlockView, HeightView, NodeView } from '../../wire/projection.ts';
import { blocksBehind, isUp, quorumOf } from '../store/derive.ts';
import { formatCount } from '../store/format.ts';
import { useProjection, useServices, useUi } from '../services.tsx';
import { isActivation } from './activation.ts';
import { useSide } from '../faults/PartitionFaults.tsx';
import { withNextSide } from '../faults/partition-draft.ts';
import { FlightCanvas } from './FlightCanvas.tsx';
import { marksInWords, NodeMarks } from './NodeMarks.tsx';
import { nodeColour, nodeDash, nodeStatus } from './node-status.ts';
import { type Point, type RingLabels, compactRing, ringLayout } from './ring-layout.ts';
import { RingLinks } from './RingLinks.tsx';
import { ShareDial } from './ShareDial.tsx';
import { useSize } from './use-size.ts';

/**
 * The subnet as a ring of nodes at fixed places; messages fly over it, shares gather in the middle.
 * @param compact one of several rings
 */
export function NodeRing({ compact = false }: { readonly compact?: boolean }) {
  const [ref, size] = useSize<HTMLDivElement>();
  const view = useProjection((projection) => ({
    nodes: projection.nodes,
    receivers: projection.interval.receivers,
    needed: quorumOf(projection).needed,
    finalized: projection.finalizedHeight,
    block: newestBlock(projection.heights),
  }));
  const count = view.nodes.length;
  // Stable while nothing moves: the flight overlay starts over when positions change.
  const layout = useMemo(
    () =>
      size === null ? null : (compact ? compactRing : ringLayout)(count, size.width, size.height),
    [count, size, compact],
  );
  return (
    <div className="ring" ref={ref} role="group" aria-label="Nodes of the subnet">
      {layout === null || size === null ? null : (
        <>
          <FlightCanvas size={size} positions={layout.positions} />
          <svg width={size.width} height={size.height} className="ring-svg">
            <ellipse
              className="ring-orbit"
              cx={layout.centre.x}
              cy={layout.centre.y}
              rx={Math.abs(
                (layout.positions[Math.round(view.nodes.length / 4)]?.x ?? 0) - layout.centre.x,
              )}
              ry={Math.abs((layout.positions[0]?.y ?? 0) - layout.centre.y)}
            />
            <RingLinks positions={layout.positions} />
            <ShareDial
              centre={layout.centre}
              radius={layout.dialRadius}
              total={view.receivers.length}
              threshold={view.needed}
              block={view.block}
              finalized={view.finalized}
            />
            {view.nodes.map((node, index) => (
              <RingNode
                key={node.nodeId}
                node={node}
                place={index}
                at={layout.positions[index] ?? layout.centre}
                radius={layout.nodeRadius}
                labels={layout.labels}
              />
            ))}
          </svg>
        </>
      )}
    </div>
  );
}

/** The block whose shares the dial shows: the newest one with the best rank. */
function newestBlock(heights: readonly HeightView[]): BlockView | null {
  return heights.findLast(({ blocks }) => blocks.length > 0)?.blocks[0] ?? null;
}

/** A dashed outline tells of a node that lies, or that is not with the others yet. */
function dashOf(node: NodeView, place: number): string | undefined {
  if (node.behaviours.length > 0) {
    return '9 4';
  }
  return node.condition === 'catchingUp' || !node.isMember ? '3 4' : nodeDash(place);
}

interface RingNodeProps {
  readonly node: NodeView;
  /** Among the nodes of its subnet: its colour. */
  readonly place: number;
  readonly at: Point;
  readonly radius: number;
  readonly labels: RingLabels;
}

/** Drawn anew only when something of this node changed: there are pictures ten times a second. */
const RingNode = memo(function RingNode({ node, place, at, radius, labels }: RingNodeProps) {
  const { ui, projection: shown } = useServices();
  const { index } = node;
  const behind = useProjection((projection) => blocksBehind(projection, node));
  const selected = useUi(
    ({ selection }) => selection?.kind === 'node' && selection.nodeId === node.nodeId,
  );
  const status = nodeStatus(node);
  const up = isUp(node);
  const maker = up && node.rank === 0;
  const side = useSide(node.nodeId);
  const select = (): void =>
    ui.setState(({ partitionDraft }) =>
      partitionDraft === null
        ? {
            subnet: shown.getState().subnetIndex,
            selection: { kind: 'node', nodeId: node.nodeId },
          }
        : { partitionDraft: withNextSide(partitionDraft, node.nodeId) },
    );
  const role = maker ? ', block maker of this round' : '';
  const isPlain = up && node.sync === null && !node.world.paused;
  const detail = isPlain ? formatCount(node.heights.finalized) : status.word;
  return (
    <g
      className={`ring-node ${up ? '' : 'ring-node-down'} ${node.isMember ? '' : 'ring-node-spare'} ${selected ? 'ring-node-selected' : ''}`}
      transform={`translate(${at.x} ${at.y})`}
      role="button"
      tabIndex={0}
      aria-pressed={selected}
      aria-label={`${node.label}, ${status.word}, finalized height ${node.heights.finalized}${role}${marksInWords(node, side)}`}
      data-testid={`node-${index + 1}`}
      onClick={select}
      onKeyDown={(event) => {
        if (isActivation(event)) {
          select();
        }
      }}
    >
      <circle className="ring-hit" r={Math.max(radius + (labels === 'none' ? 3 : 8), 12)} />
      <circle className="ring-halo" r={radius + 5} />
      <circle
        className="ring-body"
        r={radius}
        stroke={up ? nodeColour(place) : undefined}
        strokeDasharray={dashOf(node, place)}
      />
      {up ? (
        <text className="ring-number" dy="0.35em">
          {index + 1}
        </text>
      ) : node.isMember || node.condition === 'crashed' ? (
        <NodeDownMark condition={node.condition} radius={radius} />
      ) : (
        <text className="ring-number ring-number-spare" dy="0.35em">
          {index + 1}
        </text>
      )}
      {maker ? <Crown y={-radius - 12} /> : null}
      {labels === 'full' ? (
        <text className="ring-label" y={radius + 17}>
          {node.label}
        </text>
      ) : null}
      {labels === 'none' ? null : (
        <text
          className={`ring-height ${isPlain ? '' : `tone-${status.tone}`}`}
          y={radius + (labels === 'full' ? 32 : 15)}
        >
          {detail}
        </text>
      )}
      <NodeMarks node={node} side={side} radius={radius} />
      {isPlain && behind > 1 ? (
        <g transform={`translate(${radius * 0.9} ${-radius * 0.9})`}>
          <rect className="ring-badge" x="-14" y="-9" width="34" height="18" rx="9" />
          <text className="ring-badge-text" x="3" dy="0.35em">
            −{Math.min(behind, 999)}
          </text>
        </g>
      ) : null}
    </g>
  );
});

function NodeDownMark({
  condition,
  radius,
}: {
  readonly condition: string;
  readonly radius: number;
}) {
  const arm = radius * 0.35;
  return condition === 'crashed' ? (
    <path
      className="ring-bolt"
      d={`M${arm * 0.3} ${-arm * 1.6}L${-arm} ${arm * 0.3}H0L${-arm * 0.3} ${arm * 1.6}L${arm} ${-arm * 0.3}H0Z`}
    />
  ) : condition === 'starting' ? (
    <text className="ring-number" dy="0.35em">
      …
    </text>
  ) : (
    <path
      className="ring-cross"
      d={`M${-arm} ${-arm}L${arm} ${arm}M${arm} ${-arm}L${-arm} ${arm}`}
    />
  );
}

/** The mark of rank 0: it may propose first. */
export function Crown({ y }: { readonly y: number }) {
  return (
    <path className="crown" transform={`translate(0 ${y})`} d="M-9 5V-4l4.5 4L0-6l4.5 6L9-4V5z" />
  );
}
