import { useMemo } from 'react';
import type { BlockView, NodeView } from '../../wire/projection.ts';
import { blocksBehind, isUp, subnetOf } from '../store/derive.ts';
import { formatCount } from '../store/format.ts';
import { useProjection, useServices, useUi } from '../services.tsx';
import { isActivation } from './activation.ts';
import { FlightCanvas } from './FlightCanvas.tsx';
import { nodeColour, nodeDash, nodeStatus } from './node-status.ts';
import { type Point, type RingLabels, ringLayout } from './ring-layout.ts';
import { ShareDial } from './ShareDial.tsx';
import { useSize } from './use-size.ts';

/** The subnet as a ring of nodes at fixed places; messages fly over it, shares gather in the middle. */
export function NodeRing() {
  const [ref, size] = useSize<HTMLDivElement>();
  const view = useProjection((projection) => ({
    nodes: projection.nodes,
    subnet: subnetOf(projection),
    finalized: projection.finalizedHeight,
    block: newestBlock(projection.heights.flatMap((height) => height.blocks)),
  }));
  const count = view.nodes.length;
  // Stable while nothing moves: the flight overlay starts over when positions change.
  const layout = useMemo(
    () => (size === null ? null : ringLayout(count, size.width, size.height)),
    [count, size],
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
            <ShareDial
              centre={layout.centre}
              radius={layout.dialRadius}
              nodes={view.nodes}
              threshold={view.subnet.notarizationThreshold}
              block={view.block}
              finalized={view.finalized}
            />
            {view.nodes.map((node, index) => (
              <RingNode
                key={node.nodeId}
                node={node}
                index={index}
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
function newestBlock(blocks: readonly BlockView[]): BlockView | null {
  const height = blocks.at(-1)?.facts.height;
  return blocks.find((block) => block.facts.height === height) ?? null;
}

interface RingNodeProps {
  readonly node: NodeView;
  readonly index: number;
  readonly at: Point;
  readonly radius: number;
  readonly labels: RingLabels;
}

function RingNode({ node, index, at, radius, labels }: RingNodeProps) {
  const { ui } = useServices();
  const behind = useProjection((projection) => blocksBehind(projection, node));
  const selected = useUi(
    ({ selection }) => selection?.kind === 'node' && selection.nodeId === node.nodeId,
  );
  const status = nodeStatus(node);
  const up = isUp(node);
  const maker = up && node.rank === 0;
  const select = (): void => ui.setState({ selection: { kind: 'node', nodeId: node.nodeId } });
  const role = maker ? ', block maker of this round' : '';
  const attacks = node.behaviours.length > 0;
  const detail = up ? formatCount(node.heights.finalized) : status.word;
  return (
    <g
      className={`ring-node ${up ? '' : 'ring-node-down'} ${selected ? 'ring-node-selected' : ''}`}
      transform={`translate(${at.x} ${at.y})`}
      role="button"
      tabIndex={0}
      aria-pressed={selected}
      aria-label={`${node.label}, ${status.word}, finalized height ${node.heights.finalized}${role}${attacks ? ', breaks the rules on purpose' : ''}`}
      data-testid={`node-${index + 1}`}
      onClick={select}
      onKeyDown={(event) => {
        if (isActivation(event)) {
          select();
        }
      }}
    >
      <circle className="ring-hit" r={Math.max(radius + 8, 16)} />
      <circle className="ring-halo" r={radius + 5} />
      <circle
        className="ring-body"
        r={radius}
        stroke={up ? nodeColour(index) : undefined}
        strokeDasharray={node.condition === 'catchingUp' ? '5 4' : nodeDash(index)}
      />
      {up ? (
        <text className="ring-number" dy="0.35em">
          {index + 1}
        </text>
      ) : (
        <NodeDownMark condition={node.condition} radius={radius} />
      )}
      {maker ? <Crown y={-radius - 12} /> : null}
      {labels === 'full' ? (
        <text className="ring-label" y={radius + 17}>
          {node.label}
        </text>
      ) : null}
      {labels === 'none' ? null : (
        <text
          className={`ring-height ${up ? '' : `tone-${status.tone}`}`}
          y={radius + (labels === 'full' ? 32 : 15)}
        >
          {detail}
        </text>
      )}
      {attacks ? (
        <g transform={`translate(${-radius * 0.9} ${-radius * 0.9})`}>
          <circle className="ring-attack" r="9" />
          <text className="ring-attack-text" dy="0.35em">
            !
          </text>
        </g>
      ) : null}
      {up && behind > 1 ? (
        <g transform={`translate(${radius * 0.9} ${-radius * 0.9})`}>
          <rect className="ring-badge" x="-14" y="-9" width="34" height="18" rx="9" />
          <text className="ring-badge-text" x="3" dy="0.35em">
            −{Math.min(behind, 999)}
          </text>
        </g>
      ) : null}
    </g>
  );
}

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
