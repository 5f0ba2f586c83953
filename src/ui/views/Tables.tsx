import { marksInWords } from '../charts/NodeMarks.tsx';
import { groupLetter } from '../faults/partition-draft.ts';
import type { HeightView } from '../../wire/projection.ts';
import { nodeStatus } from '../charts/node-status.ts';
import { DataTable } from '../components/DataTable.tsx';
import { useProjection, useServices } from '../services.tsx';
import { nodeLabel } from '../store/derive.ts';
import { formatCount, formatTime, shortHash } from '../store/format.ts';
import { CallsSection, CanistersTable, StreamsTable } from './StreamTables.tsx';

/** The same facts as the scene, as text: for readers who can't or don't want to use the picture. */
export function Tables() {
  return (
    <div className="tables">
      <NodesTable />
      <BlocksTable />
      <StreamsTable />
      <CanistersTable />
      <CallsSection />
      <PacketsTable />
    </div>
  );
}

function NodesTable() {
  const { ui } = useServices();
  const nodes = useProjection((projection) => projection.nodes);
  const partitions = useProjection((projection) => projection.partitions);
  return (
    <DataTable
      label="Nodes"
      caption="Nodes"
      columns={[
        'Node',
        'State',
        'Rank',
        'Notarized',
        'Finalized',
        'Executed',
        'Certified',
        'State root',
      ]}
    >
      {nodes.map((node) => (
        <tr key={node.nodeId}>
          <th scope="row">
            <button
              type="button"
              className="button-link"
              onClick={() => ui.setState({ selection: { kind: 'node', nodeId: node.nodeId } })}
            >
              {node.label}
            </button>
          </th>
          <td className={`tone-${nodeStatus(node).tone}`}>
            {nodeStatus(node).word}
            {marksInWords(node, groupLetter(partitions, node.nodeId))}
          </td>
          <td className="mono">{node.rank ?? '–'}</td>
          <td className="mono">{formatCount(node.heights.notarized)}</td>
          <td className="mono">{formatCount(node.heights.finalized)}</td>
          <td className="mono">{formatCount(node.heights.executed)}</td>
          <td className="mono">{formatCount(node.heights.certified)}</td>
          <td className="mono">{node.stateRoot === null ? '–' : shortHash(node.stateRoot.root)}</td>
        </tr>
      ))}
    </DataTable>
  );
}

function BlocksTable() {
  const { ui, projection } = useServices();
  const heights = useProjection((state) => state.heights);
  const blocks = heights
    .slice(-30)
    .toReversed()
    .flatMap((view) => view.blocks.map((block) => ({ block, certified: certifiedWord(view) })));
  return (
    <DataTable
      label="Blocks"
      caption="Blocks of the last 30 heights"
      columns={[
        'Height',
        'Rank',
        'State',
        'Made by',
        'Notarized by',
        'Finalized by',
        'Messages',
        'Certified',
      ]}
    >
      {blocks.map(({ block, certified }) => (
        <tr key={block.facts.hash}>
          <th scope="row">
            <button
              type="button"
              className="button-link mono"
              onClick={() => ui.setState({ selection: { kind: 'block', hash: block.facts.hash } })}
            >
              {formatCount(block.facts.height)}
            </button>
          </th>
          <td className="mono">{block.facts.rank}</td>
          <td>{block.facts.isSummary ? `${block.state}, summary` : block.state}</td>
          <td>{nodeLabel(projection.getState(), block.facts.maker)}</td>
          <td className="mono">{block.notarizedBy.length}</td>
          <td className="mono">{block.finalizedBy.length}</td>
          <td className="mono">{block.facts.ingress}</td>
          <td>{certified}</td>
        </tr>
      ))}
    </DataTable>
  );
}

function certifiedWord({ certified, hasCatchUpPackage }: HeightView): string {
  return hasCatchUpPackage ? 'yes, catch-up package' : certified ? 'yes' : 'no';
}

function PacketsTable() {
  const { projection } = useServices();
  const flights = useProjection((state) => state.flights);
  const name = (id: (typeof flights)[number]['from'] | 'all'): string =>
    id === 'all' ? 'all nodes' : nodeLabel(projection.getState(), id);
  return (
    <DataTable
      label="Messages"
      caption="Last messages between nodes"
      columns={['Time (UTC)', 'From', 'To', 'Content', 'Packets', 'Bytes']}
    >
      {flights
        .slice(-20)
        .toReversed()
        .map((flight) => (
          <tr key={flight.id}>
            <td className="mono">{formatTime(flight.atNs)}</td>
            <td>{name(flight.from)}</td>
            <td>{name(flight.to)}</td>
            <td>{flight.content}</td>
            <td className="mono">{formatCount(flight.count)}</td>
            <td className="mono">{formatCount(flight.bytes)}</td>
          </tr>
        ))}
    </DataTable>
  );
}
