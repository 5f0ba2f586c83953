import { onLane, type Lane } from './world-layout.ts';
import type { Size } from './use-size.ts';

/** Something that moves once along a curve; it exists because the network said so. */
export interface Dot {
  readonly lane: Lane;
  readonly colour: string;
  readonly shape: 'dot' | 'block' | 'message';
  readonly startMs: number;
  readonly lastsMs: number;
  /** It does not arrive: it is gone on its way. */
  readonly lost: boolean;
}

export interface DotPainter {
  add(dots: readonly Dot[]): void;
  stop(): void;
}

/** Rest between two pictures, about 25 a second in all: the cores belong to the nodes. */
const FRAME_MS = 30;
/** Share of its way after which a packet that does not arrive is gone. */
const LOST_AT = 0.45;

/** Paints dots while there are any; undefined where nothing is to move. */
export function createDotPainter(
  canvas: HTMLCanvasElement | null,
  size: Size,
  maxDots: number,
): DotPainter | undefined {
  const context = canvas?.getContext('2d');
  if (!context || matchMedia('(prefers-reduced-motion: reduce)').matches) {
    return undefined;
  }
  const scale = Math.min(2, devicePixelRatio);
  context.canvas.width = size.width * scale;
  context.canvas.height = size.height * scale;
  context.scale(scale, scale);
  let dots: readonly Dot[] = [];
  const paint = (nowMs: number): boolean => {
    dots = dots.filter((dot) => nowMs - dot.startMs < dot.lastsMs);
    paintDots(context, size, dots, nowMs);
    return dots.length > 0;
  };
  return {
    add: (added) => {
      dots = [...dots, ...added].slice(-maxDots);
      if (added.length > 0) {
        atFrames(paint);
      }
    },
    stop: () => {
      painting.delete(paint);
    },
  };
}

/** Paints at a time of the page; answers whether there is more to come. */
type Paint = (nowMs: number) => boolean;

/** All canvases paint in the same frames: each frame costs the page more than what is painted in it. */
const painting = new Set<Paint>();
let isAsked = false;

function atFrames(paint: Paint): void {
  painting.add(paint);
  if (!isAsked) {
    isAsked = true;
    requestAnimationFrame(paintAll);
  }
}

function paintAll(nowMs: number): void {
  isAsked = false;
  for (const paint of painting) {
    if (!paint(nowMs)) {
      painting.delete(paint);
    }
  }
  if (painting.size > 0) {
    isAsked = true;
    setTimeout(() => requestAnimationFrame(paintAll), FRAME_MS);
  }
}

/** Asking for a style makes the browser compute what is pending: once a theme is enough. */
const colours = new Map<string, string>();

/** The value of a colour token now. */
export function colourOf(token: string): string {
  const root = document.documentElement;
  const key = `${root.dataset['theme']} ${token}`;
  const known = colours.get(key) ?? getComputedStyle(root).getPropertyValue(token);
  colours.set(key, known);
  return known;
}

function paintDots(
  context: CanvasRenderingContext2D,
  size: Size,
  dots: readonly Dot[],
  nowMs: number,
): void {
  context.clearRect(0, 0, size.width, size.height);
  for (const { lane, colour, shape, startMs, lastsMs, lost } of dots) {
    const progress = (nowMs - startMs) / lastsMs;
    const ends = lost ? LOST_AT : 1;
    if (progress < 0 || progress >= ends) {
      continue;
    }
    const { x, y } = onLane(lane, progress * progress * (3 - 2 * progress));
    context.globalAlpha = Math.min(1, 4 * (ends - progress));
    context.fillStyle = colour;
    context.beginPath();
    if (shape === 'block') {
      context.roundRect(x - 5, y - 5, 10, 10, 3);
    } else if (shape === 'message') {
      context.roundRect(x - 4, y - 4, 8, 8, 1.5);
    } else {
      context.arc(x, y, 3, 0, 2 * Math.PI);
    }
    context.fill();
  }
  context.globalAlpha = 1;
}
