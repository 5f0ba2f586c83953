import type { IntervalView, NodeView } from '../../wire/projection.ts';
import { Failure, useCommandHere } from '../faults/controls.tsx';
import { nodeStatus } from '../charts/node-status.ts';
import { useProjection, useServices } from '../services.tsx';
import { subnetOf } from '../store/derive.ts';
import { formatBytes, formatCount, formatMs } from '../store/format.ts';

/** Who belongs to the subnet, and the proposals that change it. */
export function Membership() {
  const { network } = useServices();
  const { run, failure } = useCommandHere();
  const { subnetId } = useProjection(subnetOf);
  const nodes = useProjection((projection) => projection.nodes);
  const interval = useProjection((projection) => projection.interval);
  const registry = useProjection((projection) => projection.registry);
  const members = nodes.filter((node) => node.isMember).map((node) => node.nodeId);
  const propose = (next: readonly NodeView['nodeId'][]): void =>
    run(() => network.registry.update({ kind: 'setMembership', members: next }, subnetId));
  const pending = registry !== null && registry.version > interval.registryVersion;
  return (
    <section aria-labelledby="membership">
      <h2 id="membership">Members of the subnet</h2>
      {pending ? (
        <p className="small tone-warning" role="status">
          Version {registry.version} takes effect with block{' '}
          {formatCount(effectiveFrom(registry.madeAt, interval))} at the earliest: the next summary
          block names it, the one after it puts it in force.
        </p>
      ) : (
        <p className="small muted">
          A change is named by the next summary block and in force from the one after it: two
          intervals at most.
        </p>
      )}
      <Failure failure={failure} />
      <ul className="members">
        {nodes.map((node) => {
          const { nodeId, label, isMember } = node;
          return (
            <li key={nodeId}>
              <span>
                {label} <span className="muted small">{roleOf(node, interval)}</span>
                <SyncProgress node={node} />
              </span>
              <button
                type="button"
                className="button"
                disabled={isMember && members.length === 1}
                onClick={() =>
                  propose(isMember ? members.filter((id) => id !== nodeId) : [...members, nodeId])
                }
              >
                {isMember ? 'Remove' : 'Add'}
                <span className="visually-hidden"> {label}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {nodes.length === members.length && registry === null ? (
        <p className="small muted">
          This network was made without spare nodes.{' '}
          <a href={`?nodes=${members.length}&spares=1`}>Make a new one that has one</a>.
        </p>
      ) : null}
    </section>
  );
}

/** Height of the second summary block after a change: the first can name it, the second obeys it. */
function effectiveFrom(madeAt: number, { height, length }: IntervalView): number {
  const step = length + 1;
  const second = height + (Math.floor((madeAt - height) / step) + 2) * step;
  // The unit delay may have made it miss the first one.
  return Math.max(second, height + step);
}

function roleOf(node: NodeView, { receivers }: IntervalView): string {
  const holds = receivers.includes(node.nodeId);
  if (node.isMember) {
    return holds ? 'member' : `joins, ${nodeStatus(node).word}`;
  }
  return holds ? 'leaves' : 'spare';
}

/** How far a node is with fetching the state it starts from. */
export function SyncProgress({ node }: { readonly node: NodeView }) {
  const { sync } = node;
  if (sync === null) {
    return null;
  }
  const { height, chunksDone, chunksTotal, bytes, peers, elapsedMs } = sync;
  return (
    <span className="sync">
      <progress
        max={Math.max(1, chunksTotal)}
        value={chunksDone}
        aria-label={`State sync of ${node.label}`}
      />
      <span className="small muted">
        State of height {formatCount(height)}:{' '}
        {chunksTotal === 0
          ? 'waiting for the list of chunks'
          : `${chunksDone} of ${chunksTotal} chunks`}
        , {formatBytes(bytes)} from {peers} {peers === 1 ? 'peer' : 'peers'} in{' '}
        {formatMs(elapsedMs)}
      </span>
    </span>
  );
}
