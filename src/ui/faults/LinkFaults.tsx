import { useState } from 'react';
import { ok } from '../../base/result.ts';
import { DISTRIBUTIONS, initialLink, type LinkConditions } from '../../wire/network-spec.ts';
import type { NodeView } from '../../wire/projection.ts';
import { useProjection, useServices } from '../services.tsx';
import { allNodes } from '../store/derive.ts';
import type { NodeId } from '../store/ids.ts';
import { datacentreLink } from './active-faults.ts';
import { Check, Choice, Failure, useCommandHere } from './controls.tsx';
import { LinkForm } from './LinkForm.tsx';

/** How packets travel between two nodes, each way of its own. */
export function LinkFaults({ node }: { readonly node: NodeView }) {
  const { network } = useServices();
  const { run, failure } = useCommandHere();
  const { topology } = useProjection(({ topology: shape }) => ({ topology: shape }));
  const nodes = allNodes({ topology });
  const peers = nodes.filter((other) => other.nodeId !== node.nodeId);
  const [chosen, setChosen] = useState<NodeId | null>(null);
  const [bothWays, setBothWays] = useState(true);
  const to = peers.find((peer) => peer.nodeId === chosen) ?? peers[0];
  const links = useProjection((state) => state.links);
  if (to === undefined) {
    return null;
  }
  const now =
    links.find((link) => link.from === node.nodeId && link.to === to.nodeId)?.conditions ??
    initialLink(network.spec, node.index, to.index);
  const set = (conditions: Partial<LinkConditions> | null, both = bothWays): void =>
    run(async ({ faults }) => {
      const there = await faults.setLink(node.nodeId, to.nodeId, conditions);
      return there.ok && both ? faults.setLink(to.nodeId, node.nodeId, conditions) : there;
    });
  return (
    <section aria-labelledby="link-faults">
      <h3 id="link-faults">Links from {node.label}</h3>
      <div className="faults-grid">
        <Choice
          label="To"
          value={to.nodeId}
          choices={peers.map((peer) => peer.nodeId)}
          show={(id) => nodes.find((peer) => peer.nodeId === id)?.label ?? id}
          onChange={setChosen}
        />
        <Check label="Both ways" checked={bothWays} onChange={setBothWays} />
      </div>
      <LinkForm
        key={`${node.nodeId}/${to.nodeId}/${JSON.stringify(now)}`}
        now={now}
        distributions={DISTRIBUTIONS}
        onApply={set}
      />
      <Failure failure={failure} />
      <div className="row">
        <button
          type="button"
          className="button"
          aria-pressed={now.cut}
          onClick={() => set({ ...now, cut: !now.cut })}
        >
          {now.cut ? 'Join' : 'Cut'} {bothWays ? 'both ways' : 'one way'}
        </button>
        <button type="button" className="button" onClick={() => set(null)}>
          As at the start
        </button>
        {network.spec.latencyPreset === 'none' ? (
          <button
            type="button"
            className="button"
            title="Half of a measured round-trip time between cities, on every link"
            onClick={() => run(({ faults }) => spreadOverTheWorld(faults, network.spec, nodes))}
          >
            Real data centres, all links
          </button>
        ) : null}
      </div>
    </section>
  );
}

type Services = ReturnType<typeof useServices>;

/** Each node in a city of its own: the delays of all links. */
async function spreadOverTheWorld(
  faults: Services['network']['faults'],
  spec: Services['network']['spec'],
  nodes: ReturnType<typeof allNodes>,
): ReturnType<typeof faults.heal> {
  const changes = nodes.flatMap((from) =>
    nodes.flatMap((to) =>
      from === to
        ? []
        : [faults.setLink(from.nodeId, to.nodeId, datacentreLink(spec, from.index, to.index))],
    ),
  );
  const outcomes = await Promise.all(changes);
  return outcomes.find((outcome) => !outcome.ok) ?? ok(undefined);
}
