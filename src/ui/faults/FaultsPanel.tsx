import { useProjection, useServices, useUi } from '../services.tsx';
import { ActiveList } from './ActiveList.tsx';
import { Attacks } from './Attacks.tsx';
import { Choice } from './controls.tsx';
import { LinkFaults } from './LinkFaults.tsx';
import { NodeFaults } from './NodeFaults.tsx';
import { PartitionFaults } from './PartitionFaults.tsx';
import { SubnetFaults } from './SubnetFaults.tsx';

/** Everything that can go wrong on purpose: of the network, of one node, of its links. */
export function FaultsPanel() {
  const { ui } = useServices();
  const nodes = useProjection((projection) => projection.nodes);
  const selection = useUi((state) => state.selection);
  const selectedId = selection?.kind === 'node' ? selection.nodeId : undefined;
  const node = nodes.find((candidate) => candidate.nodeId === selectedId) ?? nodes[0];
  if (node === undefined) {
    return null;
  }
  return (
    <div className="faults" data-testid="faults-panel">
      <ActiveList />
      <PartitionFaults />
      <SubnetFaults />
      <section aria-labelledby="faults-of">
        <h2 id="faults-of">One node</h2>
        <Choice
          label="Node, also by a click on the ring"
          value={node.nodeId}
          choices={nodes.map(({ nodeId }) => nodeId)}
          show={(id) => nodes.find((other) => other.nodeId === id)?.label ?? id}
          onChange={(nodeId) => ui.setState({ selection: { kind: 'node', nodeId } })}
        />
      </section>
      <NodeFaults key={`world ${node.nodeId}`} node={node} />
      <Attacks key={`attacks ${node.nodeId}`} node={node} />
      <LinkFaults key={`links ${node.nodeId}`} node={node} />
    </div>
  );
}
