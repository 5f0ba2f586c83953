import { useEffect, useRef } from 'react';
import type { FlightView, NetworkProjection } from '../../wire/projection.ts';
import type { PacketContent } from '../../wire/telemetry.ts';
import { useServices } from '../services.tsx';
import { colourOf, createDotPainter, type Dot } from './moving-dots.ts';
import type { Point } from './ring-layout.ts';
import type { Size } from './use-size.ts';
import type { Lane } from './world-layout.ts';

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
/** Opposite directions bow to opposite sides, so that two lanes show. */
const BOW = 0.12;

interface FlightCanvasProps {
  readonly size: Size;
  readonly positions: readonly Point[];
}

/** Draws each packet that a node reports as a dot that crosses the ring once. Its twin is the table. */
export function FlightCanvas({ size, positions }: FlightCanvasProps) {
  const { projection } = useServices();
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const painter = createDotPainter(ref.current, size, MAX_DOTS);
    if (painter === undefined) {
      return undefined;
    }
    const indexOf = new Map(projection.getState().nodes.map((node, index) => [node.nodeId, index]));
    let lastId = projection.getState().flights.at(-1)?.id ?? 0;
    const unsubscribe = projection.subscribe((state) => {
      const fresh = state.flights.filter((flight) => flight.id > lastId);
      lastId = fresh.at(-1)?.id ?? lastId;
      const nowMs = performance.now();
      const blocked = blockedWays(state);
      const added = fresh.flatMap((flight, order) =>
        dotsOf(flight, indexOf, positions, blocked, nowMs + STAGGER_MS * (order % STAGGER_STEPS)),
      );
      painter.add(added);
    });
    return () => {
      unsubscribe();
      painter.stop();
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
  const colour = colourOf(token);
  const only = flight.to === 'all' ? undefined : indexOf.get(flight.to);
  const shape = flight.content === 'block' ? 'block' : 'dot';
  return positions
    .map((to, index) => ({ to, index }))
    .filter(({ index }) => (flight.to === 'all' ? index !== origin : index === only))
    .map(({ to, index }) => {
      const lost = blocked(origin ?? index, index);
      return { lane: bowed(from, to), colour, shape, startMs, lastsMs: FLIGHT_MS, lost };
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

function bowed(from: Point, to: Point): Lane {
  const control = {
    x: (from.x + to.x) / 2 - (to.y - from.y) * 2 * BOW,
    y: (from.y + to.y) / 2 + (to.x - from.x) * 2 * BOW,
  };
  return { start: from, control, end: to };
}
