import { useState } from 'react';
import type { FeedEntry, FeedSeverity } from '../../wire/projection.ts';
import { formatTime } from '../store/format.ts';
import { findNode } from '../store/derive.ts';
import { useProjection, useServices } from '../services.tsx';

const SHOWN = 60;
const FILTERS = {
  all: () => true,
  milestones: (entry: FeedEntry) => entry.severity !== 'info',
  trouble: (entry: FeedEntry) => entry.severity === 'warning' || entry.severity === 'error',
} as const;
type Filter = keyof typeof FILTERS;

const MARKS: Readonly<Record<FeedSeverity, readonly [mark: string, word: string]>> = {
  info: ['·', 'note'],
  good: ['✓', 'good'],
  warning: ['!', 'warning'],
  error: ['×', 'error'],
};

/** What happened, in sentences, newest first. */
export function Feed() {
  const [filter, setFilter] = useState<Filter>('all');
  const feed = useProjection((projection) => projection.feed);
  const shown = feed.filter(FILTERS[filter]).slice(-SHOWN).toReversed();
  return (
    <section className="feed" aria-labelledby="feed-title">
      <div className="feed-head">
        <h2 id="feed-title">What happened</h2>
        <select
          className="input"
          aria-label="Show in the feed"
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value as Filter)}
        >
          <option value="all">everything</option>
          <option value="milestones">milestones</option>
          <option value="trouble">trouble</option>
        </select>
      </div>
      <div
        className="feed-scroll"
        role="log"
        aria-live="off"
        aria-labelledby="feed-title"
        tabIndex={0}
      >
        {shown.length === 0 ? <p className="muted small">Nothing of this kind yet.</p> : null}
        <ol>
          {shown.map((entry) => (
            <FeedLine key={entry.id} entry={entry} />
          ))}
        </ol>
      </div>
    </section>
  );
}

function FeedLine({ entry }: { readonly entry: FeedEntry }) {
  const { ui, projection } = useServices();
  const [mark, word] = MARKS[entry.severity];
  const open = (): void => {
    const state = projection.getState();
    const view = state.heights.find((height) => height.height === entry.height);
    const block = view?.blocks.find((candidate) => candidate.state !== 'dead') ?? view?.blocks[0];
    if (block !== undefined) {
      ui.setState({ selection: { kind: 'block', hash: block.facts.hash } });
    } else if (entry.nodeId !== null && findNode(state, entry.nodeId) !== undefined) {
      ui.setState({ selection: { kind: 'node', nodeId: entry.nodeId } });
    }
  };
  const linked = entry.height !== null || entry.nodeId !== null;
  return (
    <li className="feed-line">
      <span className={`feed-mark tone-${entry.severity}`} role="img" aria-label={word}>
        {mark}
      </span>
      {linked ? (
        <button type="button" className="feed-text" title={formatTime(entry.atNs)} onClick={open}>
          {entry.text}
        </button>
      ) : (
        <span className="feed-text" title={formatTime(entry.atNs)}>
          {entry.text}
        </span>
      )}
    </li>
  );
}
