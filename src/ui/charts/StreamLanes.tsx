import { subnetName } from '../../wire/topology.ts';
import { isCutOff } from '../faults/subnet-links.ts';
import { useServices, useSubnets, useUi } from '../services.tsx';
import { formatCount } from '../store/format.ts';
import { type Direction, useDirections } from '../store/streams.ts';
import type { Size } from './use-size.ts';
import { labelPlaces, type Lane, laneBetween, onLane, type WorldLayout } from './world-layout.ts';

/** Messages drawn as waiting on a lane, on this share of it; the label has the number. */
const MAX_TEETH = 8;
const TEETH_SHARE = 0.2;
const TOOTH_STEP = 9;

function laneOf({ from, to }: Direction, { centres, radius }: WorldLayout): Lane | undefined {
  const [start, end] = [centres[from], centres[to]];
  return start === undefined || end === undefined ? undefined : laneBetween(start, end, radius);
}

/** Each direction that carried something as a curve, its waiting messages as teeth at the sender. */
export function StreamLanes({
  size,
  layout,
}: {
  readonly size: Size;
  readonly layout: WorldLayout;
}) {
  const { subnets } = useServices();
  const directions = useDirections();
  // Links change rarely.
  useSubnets((now) => now.flatMap(({ links, partitions }) => [links, partitions]));
  const all = subnets.getState();
  const { centres } = layout;
  const pairs = centres.flatMap((_, a) =>
    centres.flatMap((_other, b) => (a < b ? [[a, b] as const] : [])),
  );
  return (
    <svg className="world-lanes" width={size.width} height={size.height} aria-hidden="true">
      {pairs.map(([a, b]) => (
        <Way key={`${a} ${b}`} a={centres[a]} b={centres[b]} cut={isCutOff(all, a, b)} />
      ))}
      {directions.map((direction) => {
        const lane = laneOf(direction, layout);
        return lane === undefined ? null : (
          <g key={`${direction.from} ${direction.to}`}>
            <path className="lane" d={pathOf(lane)} />
            <path className="lane-head" d="M-4-4 4 0-4 4z" transform={arrowAt(lane)} />
            <Teeth lane={lane} waiting={direction.waiting} />
          </g>
        );
      })}
    </svg>
  );
}

/** Messages that the sender keeps, the oldest ahead. */
function Teeth({ lane, waiting }: { readonly lane: Lane; readonly waiting: number }) {
  const { start, end } = lane;
  const length = Math.max(TOOTH_STEP, Math.hypot(end.x - start.x, end.y - start.y));
  const room = Math.max(1, Math.floor((TEETH_SHARE * length) / TOOTH_STEP));
  return Array.from({ length: Math.min(MAX_TEETH, room, waiting) }, (_, tooth) => {
    const { x, y } = onLane(lane, ((tooth + 1) * TOOTH_STEP) / length);
    return (
      <rect
        key={tooth}
        className="lane-tooth"
        x={x - 3.5}
        y={y - 3.5}
        width="7"
        height="7"
        rx="1.5"
      />
    );
  });
}

type Place = WorldLayout['centres'][number];

/** Two subnets can reach each other, or not: whether anything was sent or not. */
function Way({
  a,
  b,
  cut,
}: {
  readonly a: Place | undefined;
  readonly b: Place | undefined;
  readonly cut: boolean;
}) {
  return a === undefined || b === undefined ? null : (
    <>
      <path className={cut ? 'way way-cut' : 'way'} d={`M${a.x} ${a.y}L${b.x} ${b.y}`} />
      {cut ? (
        <path
          className="way-cross"
          d="M-8-8 8 8M8-8-8 8"
          transform={`translate(${(a.x + b.x) / 2} ${(a.y + b.y) / 2})`}
        />
      ) : null}
    </>
  );
}

function pathOf({ start, control, end }: Lane): string {
  return `M${start.x} ${start.y}Q${control.x} ${control.y} ${end.x} ${end.y}`;
}

function arrowAt({ control, end }: Lane): string {
  const angle = (Math.atan2(end.y - control.y, end.x - control.x) * 180) / Math.PI;
  return `translate(${end.x} ${end.y}) rotate(${angle})`;
}

/** The figures of each direction; a click opens the stream. */
export function StreamLabels({
  layout,
  width,
}: {
  readonly layout: WorldLayout;
  readonly width: number;
}) {
  const { ui } = useServices();
  const directions = useDirections();
  const selection = useUi((state) => state.selection);
  const drawn = directions.flatMap((direction) => {
    const lane = laneOf(direction, layout);
    return lane === undefined ? [] : [{ direction, lane }];
  });
  const places = labelPlaces(
    drawn.map(({ lane }) => lane),
    layout,
    width,
  );
  return drawn.map(({ direction }, index) => {
    const place = places[index];
    if (place === undefined) {
      return null;
    }
    const { at, isWide } = place;
    const { from, to, end, taken, waiting, rejectSignals } = direction;
    const selected =
      selection?.kind === 'stream' &&
      [selection.from, selection.to].every((index) => index === from || index === to);
    const refused = rejectSignals === 0 ? '' : `, ${formatCount(rejectSignals)} refused`;
    return (
      <button
        key={`${from} ${to}`}
        type="button"
        className="lane-label"
        style={{ left: at.x, top: at.y }}
        aria-pressed={selected}
        title={`${subnetName(from)} → ${subnetName(to)}: ${taken} taken of ${end} sent`}
        aria-label={`Stream from ${subnetName(from)} to ${subnetName(to)}: ${end} sent, ${taken} taken, ${waiting} kept${refused}`}
        data-testid={`stream-${from + 1}-${to + 1}`}
        onClick={() => ui.setState({ selection: { kind: 'stream', from, to } })}
      >
        {isWide ? (
          <>
            {formatCount(end)} sent · {formatCount(taken)} taken
          </>
        ) : (
          `${formatCount(taken)}/${formatCount(end)}`
        )}
        {rejectSignals === 0 ? null : (
          <span className="tone-error"> × {formatCount(rejectSignals)}</span>
        )}
      </button>
    );
  });
}
