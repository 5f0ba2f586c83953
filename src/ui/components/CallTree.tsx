import { subnetName } from '../../wire/topology.ts';
import { useSubnets } from '../services.tsx';
import { type CallNode, callTrees } from '../store/call-tree.ts';
import { formatCount, shortPrincipal } from '../store/format.ts';

const MAX_TREES = 8;
const MAX_CHILDREN = 12;

interface CallTreesProps {
  /** Only those that this canister has a part in, as hex. */
  readonly about?: string;
}

/** The newest calls that led to calls of other canisters, each with those below it. */
export function CallTrees({ about }: CallTreesProps) {
  const all = useSubnets((subnets) => subnets);
  const trees = callTrees(all).filter((tree) => about === undefined || concerns(tree, about));
  return trees.length === 0 ? (
    <p className="muted small">No canister has called another one since this page looks.</p>
  ) : (
    <ul className="call-tree" data-testid="call-trees">
      {trees.slice(0, MAX_TREES).map((tree) => (
        <CallBranch key={tree.key} node={tree} withSubnet={all.length > 1} />
      ))}
    </ul>
  );
}

function concerns({ canisterId, children }: CallNode, about: string): boolean {
  return canisterId === about || children.some((child) => concerns(child, about));
}

function CallBranch({
  node,
  withSubnet,
}: {
  readonly node: CallNode;
  readonly withSubnet: boolean;
}) {
  const { method, canisterId, subnet, outcome, blocks, children } = node;
  const tone = outcome === null ? 'info' : outcome === 'replied' ? 'good' : 'error';
  return (
    <li>
      <span className="call-line">
        <span className="mono">{method ?? 'a call'}</span>{' '}
        <span className="muted">
          {shortPrincipal(canisterId)}
          {withSubnet && subnet >= 0 ? ` on ${subnetName(subnet)}` : ''}
        </span>{' '}
        <span className={`tone-${tone}`}>{outcome ?? 'waits for an answer'}</span>{' '}
        {blocks === null ? null : (
          <span className="muted">
            after {formatCount(blocks)} {blocks === 1 ? 'block' : 'blocks'}
          </span>
        )}
      </span>
      {children.length === 0 ? null : (
        <ul>
          {children.slice(0, MAX_CHILDREN).map((child) => (
            <CallBranch key={child.key} node={child} withSubnet={withSubnet} />
          ))}
          {children.length > MAX_CHILDREN ? (
            <li className="muted">and {formatCount(children.length - MAX_CHILDREN)} more</li>
          ) : null}
        </ul>
      )}
    </li>
  );
}
