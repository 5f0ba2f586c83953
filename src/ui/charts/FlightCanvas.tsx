import { useEffect, useRef } from 'react';
import type { FlightView, NetworkProjection } from '../../wire/projection.ts';
import type { PacketContent } from '../../wire/telemetry.ts';
import { useServices } from '../services.tsx';
import type { Point } from './ring-layout.ts';
import type { Size } from './use-size.ts';

/** Packets worth seeing, and the token of their colour; greetings and receipts would only be noise. */
export const FLIGHT_COLOURS: Partial<Readonly<Record<PacketContent, string>>> = {
  block: '--block',
  beacon: '--beacon',
  tape: '--tape',
  notarization: '--notarization',
  finalization: '--finalization',
  certification: '--certification',
  catchUpPackage: '--cup',
  dkg: '--cup',
  ingress: '--ingress',
  stateSync: '--accent',
};

const FLIGHT_MS = 520;
const MAX_DOTS = 200;
/** Packets of one telemetry batch start one after the other, or they would hide each other. */
const STAGGER_MS = 24;
const STAGGER_STEPS = 8;
/** Rest between two pictures, about 25 a second in all: the cores belong to the nodes. */
const FRAME_MS = 30;

interface Dot {
  readonly from: Point;
  readonly to: Point;
  readonly colour: string;
  readonly large: boolean;
  readonly startMs: number;
  /** It does not arrive: a partition or a cut link is in its way. */
  readonly lost: boolean;
}

interface FlightCanvasProps {
  readonly size: Size;
  readonly positions: readonly Point[];
}

/** Draws each packet that a node reports as a dot that crosses the ring once. Its twin is the table. */
export function FlightCanvas({ size, positions }: FlightCanvasProps) {
  const { projection } = useServices();
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = ref.current?.getContext('2d');
    if (!context || matchMedia('(prefers-reduced-motion: reduce)').matches) {
      return undefined;
    }
    const scale = Math.min(2, devicePixelRatio);
    context.canvas.width = size.width * scale;
    context.canvas.height = size.height * scale;
    context.scale(scale, scale);
    const indexOf = new Map(projection.getState().nodes.map((node, index) => [node.nodeId, index]));
    let lastId = projection.getState().flights.at(-1)?.id ?? 0;
    let dots: readonly Dot[] = [];
    let frame = 0;
    let pause: ReturnType<typeof setTimeout> | undefined;
    const paint = (nowMs: number): void => {
      frame = 0;
      dots = dots.filter((dot) => nowMs - dot.startMs < FLIGHT_MS);
      paintDots(context, size, dots, nowMs);
      if (dots.length > 0) {
        pause = setTimeout(next, FRAME_MS);
      }
    };
    const next = (): void => {
      pause = undefined;
      frame = requestAnimationFrame(paint);
    };
    const unsubscribe = projection.subscribe((state) => {
      const fresh = state.flights.filter((flight) => flight.id > lastId);
      lastId = fresh.at(-1)?.id ?? lastId;
      const nowMs = performance.now();
      const blocked = blockedWays(state);
      const added = fresh.flatMap((flight, order) =>
        dotsOf(flight, indexOf, positions, blocked, nowMs + STAGGER_MS * (order % STAGGER_STEPS)),
      );
      dots = [...dots, ...added].slice(-MAX_DOTS);
      if (added.length > 0 && frame === 0 && pause === undefined) {
        next();
      }
    });
    return () => {
      unsubscribe();
      clearTimeout(pause);
      cancelAnimationFrame(frame);
    };
  }, [projection, positions, size]);
  return <canvas ref={ref} className="flights" aria-hidden="true" />;
}

function dotsOf(
  flight: FlightView,
  indexOf: ReadonlyMap<FlightView['from'], number>,
  positions: readonly Point[],
  blocked: (from: number, to: number) => boolean,
  startMs: number,
): readonly Dot[] {
  const token = FLIGHT_COLOURS[flight.content];
  const origin = indexOf.get(flight.from);
  const from = origin === undefined ? undefined : positions[origin];
  if (token === undefined || from === undefined) {
    return [];
  }
  const colour = getComputedStyle(document.documentElement).getPropertyValue(token);
  const only = flight.to === 'all' ? undefined : indexOf.get(flight.to);
  const large = flight.content === 'block';
  return positions
    .map((to, index) => ({ to, index }))
    .filter(({ index }) => (flight.to === 'all' ? index !== origin : index === only))
    .map(({ to, index }) => {
      const lost = blocked(origin ?? index, index);
      return { from, to, colour, large, startMs, lost };
    });
}

/** Which ways no packet goes now, by index of the nodes. */
function blockedWays({
  nodes,
  partitions,
  links,
}: NetworkProjection): (from: number, to: number) => boolean {
  if (partitions.length === 0 && !links.some(({ conditions }) => conditions.cut)) {
    return () => false;
  }
  const group = nodes.map(({ nodeId }) => partitions.findIndex((side) => side.includes(nodeId)));
  const cut = links.filter(({ conditions }) => conditions.cut);
  return (from, to) =>
    group[from] !== group[to] ||
    cut.some((link) => link.from === nodes[from]?.nodeId && link.to === nodes[to]?.nodeId);
}

/** Share of its way after which a packet that does not arrive is gone. */
const LOST_AT = 0.45;
/** Opposite directions bow to opposite sides, so that two lanes show. */
const BOW = 0.12;

function paintDots(
  context: CanvasRenderingContext2D,
  size: Size,
  dots: readonly Dot[],
  nowMs: number,
): void {
  context.clearRect(0, 0, size.width, size.height);
  const shown = dots.filter(
    ({ startMs, lost }) => startMs <= nowMs && (!lost || nowMs - startMs < FLIGHT_MS * LOST_AT),
  );
  for (const { from, to, colour, large, startMs, lost } of shown) {
    const progress = (nowMs - startMs) / FLIGHT_MS;
    const eased = progress * progress * (3 - 2 * progress);
    const bow = 4 * BOW * eased * (1 - eased);
    const x = from.x + (to.x - from.x) * eased - (to.y - from.y) * bow;
    const y = from.y + (to.y - from.y) * eased + (to.x - from.x) * bow;
    context.globalAlpha = Math.min(1, 4 * ((lost ? LOST_AT : 1) - progress));
    context.fillStyle = colour;
    context.beginPath();
    if (large) {
      context.roundRect(x - 5, y - 5, 10, 10, 3);
    } else {
      context.arc(x, y, 3, 0, 2 * Math.PI);
    }
    context.fill();
  }
  context.globalAlpha = 1;
}
