import { linkInWords } from '../../wire/narrate-world.ts';
import { troubledLinks } from '../faults/active-faults.ts';
import { useProjection, useServices } from '../services.tsx';
import { nodeLabel } from '../store/derive.ts';
import type { Point } from './ring-layout.ts';

/** Links that are cut or slow, as lines between the nodes; healthy ones are not drawn. */
export function RingLinks({ positions }: { readonly positions: readonly Point[] }) {
  const { network, projection } = useServices();
  // Links change rarely: only then the list is made anew.
  useProjection((state) => state.links);
  const state = projection.getState();
  const at = (id: string): Point | undefined =>
    positions[state.nodes.findIndex((node) => node.nodeId === id)];
  return troubledLinks(state, network.spec).map(({ from, to, conditions }) => {
    const [start, end] = [at(from), at(to)];
    return start === undefined || end === undefined ? null : (
      <path
        key={`${from}/${to}`}
        className={`ring-link ${conditions.cut ? 'ring-link-cut' : ''}`}
        d={lane(start, end)}
      >
        <title>
          {nodeLabel(state, from)} → {nodeLabel(state, to)}: {linkInWords(conditions)}
        </title>
      </path>
    );
  });
}

/** Opposite directions bow to opposite sides, as the packets do. */
function lane(from: Point, to: Point): string {
  const x = (from.x + to.x) / 2 - (to.y - from.y) * 0.12;
  const y = (from.y + to.y) / 2 + (to.x - from.x) * 0.12;
  return `M${from.x} ${from.y}Q${x} ${y} ${to.x} ${to.y}`;
}
