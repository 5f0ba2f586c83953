import { subnetName } from '../../wire/topology.ts';
import { type CallNode, isUnderWay } from '../store/call-tree.ts';

const LANE = 72;
/** Of many subnets. */
const NARROW_LANE = 44;
const HEIGHT = 30;
const MIDDLE = HEIGHT / 2;
const DOT = 5;

function laneWidth(count: number): number {
  return count > 4 ? NARROW_LANE : LANE;
}

/** The subnets' names above their lanes. */
export function LaneHeads({ count }: { readonly count: number }) {
  return (
    <div className="lane-heads muted" aria-hidden="true">
      {Array.from({ length: count }, (_, index) => (
        <span key={index} style={{ width: laneWidth(count) }}>
          {count > 4
            ? index === 0
              ? 'Root'
              : index + 1
            : subnetName(index).replace(' subnet', '')}
        </span>
      ))}
    </div>
  );
}

/** A call as an arrow from its caller's subnet to its callee's; the words beside it say the same. */
export function CallLane({ node, count }: { readonly node: CallNode; readonly count: number }) {
  const { subnet, callerSubnet, state } = node;
  const width = laneWidth(count);
  const at = (index: number): number => width * (index + 0.5);
  const from = callerSubnet === null || callerSubnet < 0 ? null : at(callerSubnet);
  const kind = isUnderWay(node) ? 'open' : state === 'replied' ? 'good' : 'error';
  return (
    <svg
      className={`call-lane call-lane-${kind}`}
      width={width * count}
      height={HEIGHT}
      aria-hidden="true"
    >
      {Array.from({ length: count }, (_, index) => (
        <line key={index} className="call-lane-way" x1={at(index)} x2={at(index)} y2={HEIGHT} />
      ))}
      {subnet < 0 ? null : (
        <>
          {from === null ? null : <path className="call-lane-arrow" d={arrow(from, at(subnet))} />}
          {kind === 'error' ? (
            <path
              className="call-lane-cross"
              d="M-4-4 4 4M4-4-4 4"
              transform={`translate(${at(subnet)} ${MIDDLE})`}
            />
          ) : (
            <circle className="call-lane-dot" cx={at(subnet)} cy={MIDDLE} r={DOT} />
          )}
        </>
      )}
    </svg>
  );
}

/** Within a subnet it is a small loop. */
function arrow(from: number, to: number): string {
  if (from === to) {
    return `M${from} 2C${from + 22} 2 ${from + 22} ${MIDDLE} ${from + DOT + 3} ${MIDDLE}`;
  }
  const side = Math.sign(to - from);
  const tip = to - side * (DOT + 3);
  return `M${from} ${MIDDLE}H${tip}M${tip - side * 5} ${MIDDLE - 4}L${tip} ${MIDDLE}L${tip - side * 5} ${MIDDLE + 4}`;
}
