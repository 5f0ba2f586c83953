import type { NodeView } from '../../wire/projection.ts';
import { nodeColour } from '../charts/node-status.ts';
import type { NodeId } from '../store/ids.ts';

interface SignersProps {
  readonly title: string;
  readonly nodes: readonly NodeView[];
  readonly signers: readonly NodeId[];
  readonly threshold: number;
}

/** Who signed, as node dots, with the line that a quorum must reach. */
export function Signers({ title, nodes, signers, threshold }: SignersProps) {
  const enough = signers.length >= threshold;
  const names = nodes.filter((node) => signers.includes(node.nodeId)).map((node) => node.label);
  return (
    <div className="signers">
      <h3>
        {title}{' '}
        <span className={enough ? 'tone-good' : 'tone-info'}>
          {signers.length} of {nodes.length}, {threshold} needed{enough ? ' ✓' : ''}
        </span>
      </h3>
      <svg
        className="signers-dots"
        width="100%"
        height="30"
        role="img"
        aria-label={names.length === 0 ? 'Nobody signed yet' : `Signed by ${names.join(', ')}`}
      >
        {nodes.map((node, index) => {
          const signed = signers.includes(node.nodeId);
          return (
            <g key={node.nodeId} transform={`translate(${14 + index * 26} 15)`}>
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
