import { useState } from 'react';
import {
  LIMITS_PRESETS,
  MAX_SUBNETS,
  type NetworkSpec,
  type Pace,
  PACES,
} from '../../wire/network-spec.ts';
import { subnetName } from '../../wire/topology.ts';
import { Icon } from '../components/icons.tsx';
import { Choice } from '../faults/controls.tsx';
import { NEW_SUBNET, problemOf, type SubnetDraft, SubnetFields } from './SubnetFields.tsx';

/** More nodes than this have little of a core each. */
const MANY_NODES_PER_CORE = 3;

const PACE_WORDS: Readonly<Record<Pace, string>> = {
  classroom: 'classroom: slow enough to read along',
  mainnet: 'mainnet: the delays of the IC',
  turbo: 'turbo: as fast as the cores allow',
};

/** The spec of a network to be, as a link that opens it. */
export function NewNetwork() {
  const [subnets, setSubnets] = useState<readonly SubnetDraft[]>([
    { ...NEW_SUBNET, type: 'system' },
    NEW_SUBNET,
  ]);
  const [pace, setPace] = useState<Pace>('classroom');
  const [limits, setLimits] = useState<NetworkSpec['limits']>('classroom');
  const change = (index: number, draft: SubnetDraft): void =>
    setSubnets(subnets.map((old, at) => (at === index ? draft : old)));
  const problem = subnets.map(problemOf).find((one) => one !== undefined);
  const nodes = subnets.reduce((sum, one) => sum + one.nodes, 0);
  const isMuch = nodes > MANY_NODES_PER_CORE * navigator.hardwareConcurrency;
  return (
    <section className="subnet-form" aria-label="A new network" data-testid="new-network">
      {subnets.map((draft, index) => (
        <fieldset key={index} className="subnet-draft">
          <legend>{subnetName(index)}</legend>
          <SubnetFields
            draft={draft}
            isRoot={index === 0 && subnets.length > 1}
            onChange={(next) => change(index, next)}
          />
          {index === 0 || index < subnets.length - 1 ? null : (
            <button
              type="button"
              className="button"
              onClick={() => setSubnets(subnets.slice(0, -1))}
            >
              Leave it out
            </button>
          )}
        </fieldset>
      ))}
      {subnets.length < MAX_SUBNETS ? (
        <div>
          <button
            type="button"
            className="button"
            onClick={() => {
              const [first = NEW_SUBNET, ...others] = subnets;
              setSubnets([{ ...first, type: 'system' }, ...others, NEW_SUBNET]);
            }}
          >
            <Icon name="plus" size={15} /> One more subnet
          </button>
        </div>
      ) : null}
      <div className="subnet-fields">
        <Choice
          label="Pace"
          value={pace}
          choices={PACES}
          show={(one) => PACE_WORDS[one]}
          onChange={setPace}
        />
        <Choice
          label="Limits of canisters"
          value={limits}
          choices={LIMITS_PRESETS}
          show={(one) => one}
          onChange={setLimits}
        />
      </div>
      <div role="status">
        {problem === undefined ? null : <p className="tone-error small">{problem}</p>}
        {isMuch && problem === undefined ? (
          <p className="tone-warning small">
            {nodes} nodes share {navigator.hardwareConcurrency} cores here: blocks will take longer.
          </p>
        ) : null}
      </div>
      <div>
        {problem === undefined ? (
          <a className="button button-primary" href={linkOf(subnets, pace, limits)}>
            Open it
          </a>
        ) : null}
      </div>
    </section>
  );
}

function linkOf(
  subnets: readonly SubnetDraft[],
  pace: Pace,
  limits: NetworkSpec['limits'],
): string {
  const shapes = subnets.map(({ type, nodes, spareNodes }) =>
    spareNodes === 0 ? `${type}:${nodes}` : `${type}:${nodes}+${spareNodes}`,
  );
  return `?subnets=${shapes.join(',')}&pace=${pace}&limits=${limits}&fresh`;
}
