import { ok } from '../../base/result.ts';
import { subnetName } from '../../wire/topology.ts';
import { Icon } from '../components/icons.tsx';
import { useProjection, useServices, useSubnets } from '../services.tsx';
import { canRestart, isUp } from '../store/derive.ts';
import { Failure, useCommandHere } from './controls.tsx';
import { areLinksCut, setSubnetLink } from './subnet-links.ts';

/** A whole subnet, and its links to the others; nothing where there is one. */
export function SubnetFaults() {
  const { projection } = useServices();
  const count = useSubnets((all) => all.length);
  const { own, up, down } = useProjection((shown) => ({
    own: shown.subnetIndex,
    up: shown.nodes.filter(isUp).length,
    down: shown.nodes.filter((node) => canRestart(shown, node)).length,
  }));
  // Links change rarely: only then the list is made anew.
  useProjection((shown) => shown.links);
  const { run, failure } = useCommandHere();
  if (count === 1) {
    return null;
  }
  const others = Array.from({ length: count }, (_, index) => index).filter(
    (index) => index !== own,
  );
  return (
    <section aria-labelledby="subnet-faults">
      <h3 id="subnet-faults">{subnetName(own)}, all of it</h3>
      <div className="row">
        <button
          type="button"
          className="button button-danger"
          disabled={up === 0}
          onClick={() =>
            run(({ faults }) =>
              together(
                projection
                  .getState()
                  .nodes.filter(isUp)
                  .map(({ nodeId }) => faults.kill(nodeId)),
              ),
            )
          }
        >
          <Icon name="power" size={15} /> Kill all nodes
        </button>
        <button
          type="button"
          className="button"
          disabled={down === 0}
          onClick={() =>
            run(({ faults }) =>
              together(
                projection
                  .getState()
                  .nodes.filter((node) => canRestart(projection.getState(), node))
                  .map(({ nodeId }) => faults.restart(nodeId)),
              ),
            )
          }
        >
          Restart all
        </button>
      </div>
      <p className="small muted">
        Links to other subnets carry slices of streams. Cut, messages wait in the streams until they
        can be fetched again; none is lost.
      </p>
      <div className="row">
        {others.map((other) => {
          const cut = areLinksCut(projection.getState(), own, other);
          return (
            <button
              key={other}
              type="button"
              className="button"
              aria-pressed={cut}
              onClick={() =>
                run((network) => setSubnetLink(network, projection.getState(), [own, other], !cut))
              }
            >
              {cut ? 'Join' : 'Cut'} the links to {subnetName(other)}
            </button>
          );
        })}
      </div>
      <Failure failure={failure} />
    </section>
  );
}

type Outcome = ReturnType<ReturnType<typeof useServices>['network']['faults']['heal']>;

async function together(commands: readonly Outcome[]): Outcome {
  const outcomes = await Promise.all(commands);
  return outcomes.find((outcome) => !outcome.ok) ?? ok(undefined);
}
