import { useEffect, useRef } from 'react';
import { useProjection, useServices, useUi } from '../services.tsx';
import type { NodeId } from '../store/ids.ts';
import { Failure, useCommandHere } from './controls.tsx';
import {
  evenSplit,
  groupLetter,
  groupsOf,
  type PartitionDraft,
  SIDES,
  sideOf,
  strangersOf,
} from './partition-draft.ts';

/** Who can speak to whom: sides are chosen on the ring or here, then the network is split. */
export function PartitionFaults() {
  const { ui, projection } = useServices();
  const draft = useUi((state) => state.partitionDraft);
  const isSplit = useProjection(({ partitions }) => partitions.length > 0);
  const { run, failure } = useCommandHere();
  const own = projection.getState().nodes.map(({ nodeId }) => nodeId);
  const strangers = strangersOf(projection.getState());
  return (
    <section aria-labelledby="partition">
      <h3 id="partition">Partition</h3>
      {draft === null ? (
        <>
          <p className="small muted">
            Nodes of one side reach each other and nobody else.
            {isSplit ? ' The network is split now.' : ''}
            {strangers.length === 0 ? '' : ' Nodes of other subnets stand on side A.'}
          </p>
          <Failure failure={failure} />
          <div className="row">
            <button
              type="button"
              className="button"
              aria-keyshortcuts="P"
              onClick={() => ui.setState({ partitionDraft: evenSplit(projection.getState()) })}
            >
              Choose sides
            </button>
            {strangers.length === 0 ? null : (
              <button
                type="button"
                className="button"
                onClick={() => run(({ faults }) => faults.partition([own, strangers]))}
              >
                Cut this subnet off
              </button>
            )}
          </div>
        </>
      ) : (
        <DraftEditor draft={draft} />
      )}
    </section>
  );
}

function DraftEditor({ draft }: { readonly draft: PartitionDraft }) {
  const { ui, projection } = useServices();
  const { run, failure } = useCommandHere();
  const nodes = useProjection((state) => state.nodes);
  const split = useRef<HTMLButtonElement>(null);
  useEffect(() => split.current?.focus(), []);
  const groups = groupsOf(draft, projection.getState());
  const apply = (): void =>
    run(async ({ faults }) => {
      const result = await faults.partition(groups);
      if (result.ok) {
        ui.setState({ partitionDraft: null });
      }
      return result;
    });
  return (
    <>
      <p className="small" role="status">
        Click nodes on the ring, or choose here: {groups.length} sides,{' '}
        {groups.map((group) => group.length).join(' and ')} nodes.
      </p>
      <ul className="sides">
        {nodes.map(({ nodeId, label }) => (
          <li key={nodeId}>
            <fieldset>
              <legend>{label}</legend>
              {SIDES.map((side, index) => (
                <label key={side}>
                  <input
                    type="radio"
                    name={`side-${nodeId}`}
                    checked={sideOf(draft, nodeId) === side}
                    onChange={() => ui.setState({ partitionDraft: { ...draft, [nodeId]: index } })}
                  />
                  {side}
                </label>
              ))}
            </fieldset>
          </li>
        ))}
      </ul>
      <div className="row">
        <button
          ref={split}
          type="button"
          className="button button-primary"
          disabled={groups.length < 2}
          onClick={apply}
        >
          Split the network
        </button>
        <button
          type="button"
          className="button"
          onClick={() => ui.setState({ partitionDraft: null })}
        >
          Cancel
        </button>
      </div>
      <Failure failure={failure} />
    </>
  );
}

/** The letter to show at a node: of the side being chosen, else of the partition in force. */
export function useSide(nodeId: NodeId): string | undefined {
  const draft = useUi((state) => state.partitionDraft);
  const letter = useProjection(({ partitions }) => groupLetter(partitions, nodeId));
  return draft === null ? letter : sideOf(draft, nodeId);
}
