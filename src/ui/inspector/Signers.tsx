import type { NodeView } from '../../wire/projection.ts';
import { nodeColour } from '../charts/node-status.ts';
import type { NodeId } from '../store/ids.ts';

interface SignersProps {
  readonly title: string;
  /** All of the network: a node keeps its number and colour. */
  readonly nodes: readonly NodeView[];
  /** Who may sign. */
  readonly holders: readonly NodeId[];
  readonly signers: readonly NodeId[];
  readonly threshold: number;
}

/** Who signed, as node dots, with the line that a quorum must reach. */
export function Signers({ title, nodes, holders, signers, threshold }: SignersProps) {
  const shown = nodes
    .map((node, index) => ({ node, index }))
    .filter(({ node }) => holders.includes(node.nodeId) || signers.includes(node.nodeId));
  const enough = signers.length >= threshold;
  const names = nodes.filter((node) => signers.includes(node.nodeId)).map((node) => node.label);
  return (
    <div className="signers">
      <h3>
        {title}{' '}
        <span className={enough ? 'tone-good' : 'tone-info'}>
          {signers.length} of {shown.length}, {threshold} needed{enough ? ' ✓' : ''}
        </span>
      </h3>
      <svg
        className="signers-dots"
        width="100%"
        height="30"
        role="img"
        aria-label={names.length === 0 ? 'Nobody signed yet' : `Signed by ${names.join(', ')}`}
      >
        {shown.map(({ node, index }, place) => {
          const signed = signers.includes(node.nodeId);
          return (
            <g key={node.nodeId} transform={`translate(${14 + place * 26} 15)`}>
              <circle
                r="10"
                fill={signed ? nodeColour(index) : 'none'}
                stroke={signed ? nodeColour(index) : 'var(--line-strong)'}
                strokeDasharray={signed ? undefined : '3 3'}
              />
              <text className={signed ? 'dot-text dot-text-on' : 'dot-text'} dy="0.36em">
                {index + 1}
              </text>
            </g>
          );
        })}
      </svg>
    </div>
  );
}
