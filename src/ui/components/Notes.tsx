import { useEffect, useState } from 'react';
import { useServices } from '../services.tsx';
import { formatCount } from '../store/format.ts';
import { followHiddenTab, type HiddenSpell, inWords } from '../store/hidden-tab.ts';
import { createLossWatch, type LostState } from '../store/lost-state.ts';
import { ReadOnlyBanner } from './ReadOnly.tsx';

/** What concerns the page as a whole, above every door. */
export function Notes() {
  return (
    <div className="notes">
      <ReadOnlyBanner />
      <LostStateNote />
      <HiddenTabNote />
    </div>
  );
}

const LOOK_EVERY_MS = 1_000;

/** A subnet whose nodes all lost their checkpoints waits for ever: what the reader can do. */
function LostStateNote() {
  const { subnets } = useServices();
  const [lost, setLost] = useState<readonly LostState[]>([]);
  useEffect(() => {
    const watch = createLossWatch();
    const look = (): void => setLost(watch(subnets.getState(), performance.now()));
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [subnets]);
  if (lost.length === 0) {
    return null;
  }
  return (
    <section className="note tone-error" role="alert" data-testid="lost-state">
      {lost.map(({ subnet, needed, best }) => (
        <p key={subnet} className="small">
          No node of subnet {subnet + 1} has its state of block {formatCount(needed)}: the
          checkpoints on all of their disks are damaged or gone (the best one left is of block{' '}
          {formatCount(best)}). The subnet cannot go on.
        </p>
      ))}
      <p className="small">
        Under Networks you can go back to a snapshot of this network or import a file of it; both
        make a new network, and this one stays as it is.
      </p>
      <a className="button" href="#/networks">
        Open the list
      </a>
      <a className="button" href="?fresh">
        Open a fresh network
      </a>
    </section>
  );
}

/** After a while in the background: what the browser slowed down, and what went on. */
function HiddenTabNote() {
  const { subnets } = useServices();
  const [spell, setSpell] = useState<HiddenSpell | null>(null);
  useEffect(() => {
    const height = (): number =>
      Math.max(0, ...subnets.getState().map(({ finalizedHeight }) => finalizedHeight));
    return followHiddenTab({
      isHidden: () => document.hidden,
      listen: (task) => {
        document.addEventListener('visibilitychange', task);
        return () => document.removeEventListener('visibilitychange', task);
      },
      every: (ms, task) => {
        const timer = setInterval(task, ms);
        return () => clearInterval(timer);
      },
      nowMs: () => performance.now(),
      height,
      onBack: setSpell,
    });
  }, [subnets]);
  return spell === null ? null : (
    <section className="note" data-testid="hidden-tab" aria-label="This tab was hidden">
      <p className="small" role="status">
        {inWords(spell)}
      </p>
      <button type="button" className="button" onClick={() => setSpell(null)}>
        Close
      </button>
    </section>
  );
}
