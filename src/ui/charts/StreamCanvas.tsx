import { useEffect, useRef } from 'react';
import type { SubnetProjections } from '../../wire/project-subnets.ts';
import { useServices } from '../services.tsx';
import { colourOf, createDotPainter, type Dot } from './moving-dots.ts';
import type { Size } from './use-size.ts';
import { laneBetween, type WorldLayout } from './world-layout.ts';

const SLIDE_MS = 900;
const MAX_DOTS = 80;
/** Drawn of the messages that one round takes in; the labels have the numbers. */
const MAX_PER_ROUND = 6;
const STAGGER_MS = 70;

/** Messages that a subnet took in slide along their stream, once. Its twin is the table. */
export function StreamCanvas({
  size,
  layout,
}: {
  readonly size: Size;
  readonly layout: WorldLayout;
}) {
  const { subnets } = useServices();
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const painter = createDotPainter(ref.current, size, MAX_DOTS);
    if (painter === undefined) {
      return undefined;
    }
    const unsubscribe = subnets.subscribe((now, before) => {
      painter.add(arrivalsIn(now, before, layout));
    });
    return () => {
      unsubscribe();
      painter.stop();
    };
  }, [subnets, size, layout]);
  return <canvas ref={ref} className="flights" aria-hidden="true" />;
}

function arrivalsIn(
  now: SubnetProjections,
  before: SubnetProjections,
  { centres, radius }: WorldLayout,
): readonly Dot[] {
  return now.flatMap(({ streams, topology }, to) => {
    const known = before[to]?.streams;
    return streams === known
      ? []
      : streams.flatMap(({ facts: { subnetId }, moves }) => {
          const seen = known?.find(({ facts }) => facts.subnetId === subnetId)?.height ?? 0;
          const from = topology.subnets.findIndex((subnet) => subnet.subnetId === subnetId);
          const [start, end] = [centres[from], centres[to]];
          const fresh = moves.filter(({ height }) => height > seen);
          return start === undefined || end === undefined
            ? []
            : fresh.flatMap((move) => dotsOf(move, laneBetween(start, end, radius)));
        });
  });
}

function dotsOf(
  { inducted, rejected }: { readonly inducted: number; readonly rejected: number },
  lane: Dot['lane'],
): readonly Dot[] {
  const count = Math.min(MAX_PER_ROUND, inducted + rejected);
  const nowMs = performance.now();
  return Array.from({ length: count }, (_, place) => ({
    lane,
    colour: colourOf(place < Math.min(rejected, count) ? '--danger' : '--stream'),
    shape: 'message',
    startMs: nowMs + place * STAGGER_MS,
    lastsMs: SLIDE_MS,
    lost: false,
  }));
}
