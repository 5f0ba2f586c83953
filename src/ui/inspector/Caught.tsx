import { enumerate, timesOf } from '../../wire/incidents.ts';
import type { NodeView } from '../../wire/projection.ts';
import { useProjection } from '../services.tsx';
import { formatCount } from '../store/format.ts';

/** What other nodes hold against this one: rules, how often, and who says so. */
export function Caught({ node }: { readonly node: NodeView }) {
  const rows = useProjection((projection) =>
    node.caught.map(({ counts }) =>
      enumerate(
        projection.nodes
          .filter((other) => Object.hasOwn(counts, other.nodeId))
          .map(({ label }) => label),
      ),
    ),
  );
  if (node.caught.length === 0) {
    return null;
  }
  return (
    <section aria-labelledby="caught" data-testid="caught">
      <h3 id="caught">
        {node.caught.some(({ proven }) => proven) ? 'Held against it' : 'Noticed about it'}
      </h3>
      <ul className="caught">
        {node.caught.map(({ code, message, proven, counts }, index) => (
          <li key={code}>
            <div className="row row-ends">
              <span className={`mono ${proven ? 'tone-warning' : 'muted'}`}>{code}</span>
              <span className="mono">{formatCount(timesOf(counts))} ×</span>
            </div>
            <p className="small muted">
              {message.replace(/\.$/u, '')}. {proven ? 'Seen' : 'No proof; seen'} by {rows[index]}.
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
