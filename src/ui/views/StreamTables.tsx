import { subnetName } from '../../wire/topology.ts';
import { CallTrees } from '../components/CallTree.tsx';
import { DataTable } from '../components/DataTable.tsx';
import { useProjection, useServices, useSubnets } from '../services.tsx';
import { formatBytes, formatCount, formatCycles, shortPrincipal } from '../store/format.ts';
import { useDirections } from '../store/streams.ts';

/** Streams of the whole network as text. */
export function StreamsTable() {
  const { ui } = useServices();
  const count = useSubnets((subnets) => subnets.length);
  const directions = useDirections();
  return count === 1 ? null : (
    <DataTable
      label="Streams"
      caption="Streams between subnets"
      columns={['From', 'To', 'Begin', 'End', 'Kept', 'Bytes', 'Signals end', 'Reject signals']}
    >
      {directions.length === 0 ? (
        <tr>
          <td colSpan={8} className="muted">
            No canister has called one of another subnet yet.
          </td>
        </tr>
      ) : null}
      {directions.map(({ from, to, begin, end, waiting, bytes, taken, rejectSignals }) => (
        <tr key={`${from} ${to}`}>
          <th scope="row">
            <button
              type="button"
              className="button-link"
              onClick={() => ui.setState({ selection: { kind: 'stream', from, to } })}
            >
              {subnetName(from)}
            </button>
          </th>
          <td>{subnetName(to)}</td>
          <td className="mono">{formatCount(begin)}</td>
          <td className="mono">{formatCount(end)}</td>
          <td className="mono">{formatCount(waiting)}</td>
          <td className="mono">{formatBytes(bytes)}</td>
          <td className="mono">{formatCount(taken)}</td>
          <td className="mono">{formatCount(rejectSignals)}</td>
        </tr>
      ))}
    </DataTable>
  );
}

const MAX_ROWS = 50;

/** Canisters of the subnet that is shown, and what waits at each. */
export function CanistersTable() {
  const canisters = useProjection((projection) => projection.canisters);
  return canisters.length === 0 ? null : (
    <DataTable
      label="Canisters"
      caption="Canisters, and what waits at each"
      columns={['Canister', 'State', 'Messages in', 'Messages out', 'Open calls', 'Cycles']}
    >
      {canisters.slice(0, MAX_ROWS).map(({ facts }) => (
        <tr key={facts.canisterId}>
          <th scope="row" className="mono">
            {shortPrincipal(facts.canisterId)}
          </th>
          <td>{facts.status}</td>
          <td className="mono">{formatCount(facts.queues.inputs)}</td>
          <td className="mono">{formatCount(facts.queues.outputs)}</td>
          <td className="mono">{formatCount(facts.queues.openCalls)}</td>
          <td className="mono">{formatCycles(facts.cycles)}</td>
        </tr>
      ))}
    </DataTable>
  );
}

export function CallsSection() {
  return (
    <section aria-labelledby="calls">
      <h3 id="calls">Calls between canisters</h3>
      <CallTrees />
    </section>
  );
}
