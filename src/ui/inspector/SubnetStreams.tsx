import { subnetName } from '../../wire/topology.ts';
import { useProjection, useServices, useSubnets } from '../services.tsx';
import { formatCount } from '../store/format.ts';
import { useDirections } from '../store/streams.ts';

/** The streams of the subnet that is shown, each a way to its inspector; nothing where there is one subnet. */
export function SubnetStreams() {
  const { ui } = useServices();
  const count = useSubnets((subnets) => subnets.length);
  const directions = useDirections();
  const own = useProjection((projection) => projection.subnetIndex);
  if (count === 1) {
    return null;
  }
  const streams = directions.filter(({ from, to }) => from === own || to === own);
  return (
    <>
      <h3>Streams</h3>
      {streams.length === 0 ? (
        <p className="muted small">
          None yet: a stream begins when a canister calls one of another subnet.
        </p>
      ) : (
        <ul className="small">
          {streams.map(({ from, to, end, taken }) => (
            <li key={`${from} ${to}`}>
              <button
                type="button"
                className="button-link"
                onClick={() => ui.setState({ selection: { kind: 'stream', from, to } })}
              >
                {subnetName(from)} → {subnetName(to)}
              </button>{' '}
              <span className="mono">
                {formatCount(end)} sent, {formatCount(taken)} taken
              </span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
