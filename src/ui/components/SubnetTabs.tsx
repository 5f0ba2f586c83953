import type { TopologySubnet } from '../../wire/network.ts';
import { subnetName } from '../../wire/topology.ts';
import type { NetworkProjection } from '../../wire/projection.ts';
import { useServices, useSubnets, useUi } from '../services.tsx';
import {
  currentRate,
  divergedHeight,
  keyHolders,
  nodesUp,
  quorumOf,
  subnetOf,
} from '../store/derive.ts';
import { formatCount, formatRate } from '../store/format.ts';

const TYPES: Readonly<Record<TopologySubnet['type'], string>> = {
  system: 'system',
  application: 'application',
  verified_application: 'verified application',
  fiduciary: 'fiduciary',
  data: 'data',
};

export function typeInWords(type: TopologySubnet['type']): string {
  return TYPES[type];
}

/** How each subnet is, and which one is shown below; nothing where there is one. */
export function SubnetTabs() {
  const count = useSubnets((all) => all.length);
  return count === 1 ? null : (
    <nav
      className={`subnet-tabs ${count > 3 ? 'subnet-tabs-dense' : ''}`}
      style={{ '--columns': columnsFor(count) } as React.CSSProperties}
      aria-label="Subnets"
    >
      {Array.from({ length: count }, (_, index) => (
        <SubnetTab key={index} index={index} />
      ))}
    </nav>
  );
}

/** Rows of much the same length, whatever the heights: the page below stays where it is. */
function columnsFor(count: number): number {
  return count <= 5 ? count : Math.ceil(count / Math.ceil(count / 4));
}

function SubnetTab({ index }: { readonly index: number }) {
  const { ui } = useServices();
  const shown = useUi((state) => state.subnet === index);
  const facts = useSubnets((all) => {
    const projection = all[index];
    return projection === undefined ? null : factsOf(projection);
  });
  if (facts === null) {
    return null;
  }
  const { type, height, rate, up, nodes, tone, word } = facts;
  return (
    <button
      type="button"
      className="subnet-tab"
      aria-pressed={shown}
      data-testid={`subnet-${index + 1}`}
      onClick={() => ui.setState({ subnet: index })}
    >
      <span className="subnet-tab-name">
        {subnetName(index)} <span className="subnet-tab-more muted small">{type}</span>
      </span>
      <span className="small">
        <span className="subnet-tab-unit">block </span>
        <span className="mono">{height}</span>
        <span className="subnet-tab-more muted"> · {rate}</span>
      </span>
      <span className="small">
        <span className="subnet-tab-more">
          {up} of {nodes} nodes{' '}
        </span>
        <span className={`tone-${tone}`}>{word}</span>
      </span>
    </button>
  );
}

function factsOf(projection: NetworkProjection) {
  const rate = currentRate(projection);
  return {
    type: typeInWords(subnetOf(projection).type),
    height: formatCount(projection.finalizedHeight),
    rate: rate === null ? '–' : `${formatRate(rate)} blocks/s`,
    up: nodesUp(projection),
    nodes: keyHolders(projection).length,
    ...verdict(projection),
  };
}

/** How a subnet is, in a word. */
export function verdict(projection: NetworkProjection): {
  readonly tone: string;
  readonly word: string;
} {
  if (projection.violations.length > 0 || divergedHeight(projection) !== undefined) {
    return { tone: 'error', word: '× broken' };
  }
  if (nodesUp(projection) < quorumOf(projection).needed) {
    return { tone: 'warning', word: '! waits' };
  }
  return projection.nodes.some(({ behaviours }) => behaviours.length > 0)
    ? { tone: 'warning', word: '! attacked' }
    : { tone: 'good', word: '✓ fine' };
}
