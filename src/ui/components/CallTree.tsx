import { subnetName } from '../../wire/topology.ts';
import { useServices, useSubnets } from '../services.tsx';
import { type CallNode, type CallState, callTrees } from '../store/call-tree.ts';
import { useCanisterName } from '../store/canister-names.ts';
import { formatCount, formatMs, principalText, shortPrincipal } from '../store/format.ts';
import { CallLane, LaneHeads } from './CallLanes.tsx';

const MAX_TREES = 8;
const MAX_CHILDREN = 12;

interface CallTreesProps {
  /** Only those that this canister has a part in, as hex. */
  readonly about?: string;
  /** Each call is drawn from subnet to subnet as well. */
  readonly withLanes?: boolean;
}

/** The newest calls that led to calls of other canisters, each with those below it. */
export function CallTrees({ about, withLanes = false }: CallTreesProps) {
  // Made anew only when something was told that says how far a call is.
  const facts = useSubnets((all) =>
    all.flatMap(({ calls, messages, streams, canisters }) => [calls, messages, streams, canisters]),
  );
  const { subnets } = useServices();
  const all = facts.length === 0 ? [] : subnets.getState();
  const trees = callTrees(all).filter((tree) => about === undefined || concerns(tree, about));
  const lanes = withLanes && all.length > 1 ? all.length : 0;
  return trees.length === 0 ? (
    <p className="muted small">No canister has called another one since this page was opened.</p>
  ) : (
    <>
      {lanes === 0 ? null : <LaneHeads count={lanes} />}
      <ul className="call-tree" data-testid="call-trees">
        {trees.slice(0, MAX_TREES).map((tree) => (
          <CallBranch key={tree.key} node={tree} withSubnet={all.length > 1} lanes={lanes} />
        ))}
      </ul>
    </>
  );
}

function concerns({ canisterId, children }: CallNode, about: string): boolean {
  return canisterId === about || children.some((child) => concerns(child, about));
}

/** Mark, words and tone: colour is never the only carrier. */
const STATES: Readonly<Record<CallState, readonly [mark: string, words: string, tone: string]>> = {
  open: ['→', 'on its way', 'info'],
  arrived: ['…', 'waits its turn, or runs', 'info'],
  calling: ['…', 'at work', 'info'],
  answered: ['←', 'answered, on its way back', 'info'],
  replied: ['✓', 'replied', 'good'],
  rejected: ['×', 'rejected', 'error'],
  trapped: ['ϟ', 'trapped', 'error'],
};

/** Where there is little room: what tells canisters of one network apart. */
function firstGroup(canisterId: string): string {
  return `${principalText(canisterId).split('-').slice(0, 2).join('-')}…`;
}

interface CallBranchProps {
  readonly node: CallNode;
  readonly withSubnet: boolean;
  readonly lanes: number;
}

function CallBranch({ node, withSubnet, lanes }: CallBranchProps) {
  const { ui } = useServices();
  const { method, canisterId, subnet, state, reason, blocks, tookMs, children } = node;
  const name = useCanisterName(canisterId);
  const [mark, words, tone] = STATES[state];
  const open = (): void => {
    location.hash = '#/observe';
    ui.setState({ selection: { kind: 'canister', canisterId } });
  };
  return (
    <li>
      <div className="call-row">
        <div className="call-words">
          <span className="call-line">
            <span className="mono">{method ?? 'a call'}</span>{' '}
            <button
              type="button"
              className="button-link call-canister mono"
              title={principalText(canisterId)}
              onClick={open}
            >
              {lanes === 0 ? firstGroup(canisterId) : shortPrincipal(canisterId)}
            </button>{' '}
            {name === undefined ? null : <span>{name}</span>}{' '}
            {withSubnet && subnet >= 0 ? (
              <span className="muted">on {subnetName(subnet)}</span>
            ) : null}{' '}
            <span className={`tone-${tone}`}>
              <span aria-hidden="true">{mark}</span> {words}
            </span>{' '}
            {blocks === null ? null : (
              <span className="muted">
                after {formatCount(blocks)} {blocks === 1 ? 'block' : 'blocks'}
                {tookMs === null ? null : `, ${formatMs(tookMs)}`}
              </span>
            )}
          </span>
          {reason === null ? null : (
            <span className="call-reason" title={reason}>
              {reason}
            </span>
          )}
        </div>
        {lanes === 0 ? null : <CallLane node={node} count={lanes} />}
      </div>
      {children.length === 0 ? null : (
        <ul>
          {children.slice(0, MAX_CHILDREN).map((child) => (
            <CallBranch key={child.key} node={child} withSubnet={withSubnet} lanes={lanes} />
          ))}
          {children.length > MAX_CHILDREN ? (
            <li className="muted">and {formatCount(children.length - MAX_CHILDREN)} more</li>
          ) : null}
        </ul>
      )}
    </li>
  );
}
