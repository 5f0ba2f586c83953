import { subnetName } from '../../wire/topology.ts';
import { StreamComb } from './StreamComb.tsx';
import { refusalInWords } from '../../wire/stream-words.ts';
import { useServices, useSubnets } from '../services.tsx';
import { formatBytes, formatCount } from '../store/format.ts';
import { type Direction, directionOf } from '../store/streams.ts';

const ROUNDS = 6;

/** Both directions between two subnets: indexes, the last slice, what was refused. */
export function StreamInspector({ from, to }: { readonly from: number; readonly to: number }) {
  const { subnets } = useServices();
  useSubnets((now) => now.map(({ streams }) => streams));
  const all = subnets.getState();
  const directions = [directionOf(all, from, to), directionOf(all, to, from)];
  return (
    <section aria-labelledby="inspected" data-testid="stream-inspector">
      <h2 id="inspected">
        {subnetName(from)} ⇄ {subnetName(to)}
      </h2>
      <p className="muted small">
        A stream holds the messages from one subnet to another in order. A slice of it, certified by
        its subnet, travels in a block of the other one. Signals say what was taken: then the sender
        forgets it.
      </p>
      <div className="table-wrap" tabIndex={0} role="region" aria-label="Both streams">
        <table className="stream-table">
          <thead>
            <tr>
              <th scope="col">
                <span className="visually-hidden">Figure</span>
              </th>
              {directions.map((direction) => (
                <th key={direction.from} scope="col">
                  to {subnetName(direction.to)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {ROWS.map(({ name, title, show }) => (
              <tr key={name} title={title}>
                <th scope="row">{name}</th>
                {directions.map((direction) => (
                  <td key={direction.from}>{show(direction)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {directions.map((direction) => (
        <StreamComb key={`comb ${direction.from}`} direction={direction} />
      ))}
      {directions.map((direction) => (
        <Traffic key={direction.from} direction={direction} />
      ))}
    </section>
  );
}

interface Row {
  readonly name: string;
  readonly title: string;
  readonly show: (direction: Direction) => string;
}

const ROWS: readonly Row[] = [
  {
    name: 'Begin',
    title: 'Index of the oldest message that the sender keeps',
    show: ({ begin }) => formatCount(begin),
  },
  { name: 'End', title: 'Index behind the newest message', show: ({ end }) => formatCount(end) },
  {
    name: 'Kept',
    title: 'Messages whose signals have not come back yet',
    show: ({ waiting, bytes }) =>
      waiting === 0 ? '0' : `${formatCount(waiting)} · ${formatBytes(bytes)}`,
  },
  {
    name: 'Signals end',
    title: 'The receiver took or refused every message before this index',
    show: ({ taken }) => formatCount(taken),
  },
  {
    name: 'Reject signals',
    title: 'Refused messages that the sender still has to answer',
    show: ({ rejectSignals }) => formatCount(rejectSignals),
  },
  {
    name: 'Last slice',
    title: 'Messages in the newest slice, and the block of the receiver that held it',
    show: ({ receiver }) => {
      const slice = receiver?.lastSlice;
      return slice ? `${formatCount(slice.messages)} in block ${formatCount(slice.height)}` : '–';
    },
  },
  {
    name: 'Certified at',
    title: 'Height of the sender whose certified state the slice is of',
    show: ({ receiver }) => {
      const slice = receiver?.lastSlice;
      return slice ? formatCount(slice.certifiedHeight) : '–';
    },
  },
];

/** The newest rounds in which the receiver took something, and what it refused. */
function Traffic({ direction: { from, to, receiver } }: { readonly direction: Direction }) {
  const taken = (receiver?.moves ?? []).filter(({ inducted, rejected }) => inducted + rejected > 0);
  const refusals = receiver?.refusals ?? [];
  return taken.length === 0 ? null : (
    <>
      <h3>
        {subnetName(to)} took from {subnetName(from)}
      </h3>
      <ul className="small">
        {taken
          .slice(-ROUNDS)
          .toReversed()
          .map(({ height, inducted, rejected }) => (
            <li key={height}>
              Block <span className="mono">{formatCount(height)}</span>: {formatCount(inducted)}{' '}
              taken
              {rejected === 0 ? null : (
                <span className="tone-error">, {formatCount(rejected)} refused</span>
              )}
            </li>
          ))}
        {refusals
          .slice(-ROUNDS)
          .toReversed()
          .map(({ height, index, reason }) => (
            <li key={`${height} ${index}`} className="tone-error">
              Message {formatCount(index)} was refused: {refusalInWords(reason)}
            </li>
          ))}
      </ul>
    </>
  );
}
