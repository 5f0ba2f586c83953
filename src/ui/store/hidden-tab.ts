import { formatCount } from './format.ts';

/** What was measured while the tab was in the background. */
export interface HiddenSpell {
  readonly hiddenMs: number;
  /** Blocks that were finalized meanwhile. */
  readonly blocks: number;
  /** How much later than asked for the page's own timer came at worst. */
  readonly worstLagMs: number;
}

export interface HiddenTabDeps {
  isHidden(): boolean;
  /** Calls back whenever the tab is hidden or shown; answers what ends that. */
  listen(task: () => void): () => void;
  every(ms: number, task: () => void): () => void;
  nowMs(): number;
  height(): number;
  onBack(spell: HiddenSpell): void;
}

const TICK_MS = 1_000;
/** A look at another tab is nothing to report. */
const WORTH_TELLING_MS = 10_000;
/** Telemetry of the time in the background is folded within this. */
const SETTLE_TICKS = 2;

/** Measures what the browser does to the page while its tab is hidden; ends with the answer. */
export function followHiddenTab(deps: HiddenTabDeps): () => void {
  let since: { readonly ms: number; readonly height: number } | undefined;
  let spell: { readonly hiddenMs: number; readonly height: number } | undefined;
  let ticksLeft = 0;
  let worstLagMs = 0;
  let tickedMs = deps.nowMs();

  const tick = (): void => {
    const nowMs = deps.nowMs();
    if (since !== undefined) {
      worstLagMs = Math.max(worstLagMs, nowMs - tickedMs - TICK_MS);
    }
    tickedMs = nowMs;
    if (spell !== undefined) {
      ticksLeft -= 1;
      if (ticksLeft <= 0) {
        const blocks = Math.max(0, deps.height() - spell.height);
        deps.onBack({ hiddenMs: spell.hiddenMs, blocks, worstLagMs });
        spell = undefined;
      }
    }
  };
  const change = (): void => {
    const nowMs = deps.nowMs();
    if (deps.isHidden()) {
      since ??= { ms: nowMs, height: deps.height() };
      spell = undefined;
      worstLagMs = 0;
      tickedMs = nowMs;
    } else if (since !== undefined) {
      worstLagMs = Math.max(worstLagMs, nowMs - tickedMs - TICK_MS);
      tickedMs = nowMs;
      const hiddenMs = nowMs - since.ms;
      spell = hiddenMs >= WORTH_TELLING_MS ? { hiddenMs, height: since.height } : undefined;
      ticksLeft = SETTLE_TICKS;
      since = undefined;
    }
  };
  const stops = [deps.listen(change), deps.every(TICK_MS, tick)];
  change();
  return () => {
    for (const stop of stops) {
      stop();
    }
  };
}

/** A lag that one notices. */
const NOTICED_LAG_MS = 500;

/** One or two plain sentences. */
export function inWords({ hiddenMs, blocks, worstLagMs }: HiddenSpell): string {
  const made =
    blocks === 0
      ? 'its nodes finalized no block: the browser had put the whole page to sleep, or the network could not go on'
      : `its nodes went on and finalized ${formatCount(blocks)} block${blocks === 1 ? '' : 's'}`;
  const slowed =
    worstLagMs < NOTICED_LAG_MS
      ? 'The browser did not slow the page down.'
      : `The browser slowed the page itself down, its timers came up to ${inSpan(worstLagMs)} late; the nodes run in workers of their own.`;
  return `This tab was hidden for ${inSpan(hiddenMs)}: ${made}. ${slowed}`;
}

function inSpan(ms: number): string {
  return ms < 120_000
    ? `${Math.max(1, Math.round(ms / 1_000))} s`
    : `${Math.round(ms / 60_000)} min`;
}
