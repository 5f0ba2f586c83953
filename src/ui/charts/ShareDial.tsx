import { arc } from 'd3';
import { memo } from 'react';
import type { BlockView } from '../../wire/projection.ts';
import { formatCount } from '../store/format.ts';
import type { Point } from './ring-layout.ts';

interface ShareDialProps {
  readonly centre: Point;
  readonly radius: number;
  /** Who may sign. */
  readonly total: number;
  readonly threshold: number;
  readonly block: BlockView | null;
  readonly finalized: number;
}

/**
 * Who has signed the newest block so far: the outer ring fills with notarization shares, the inner
 * one with finalization shares, and a tick shows how many make a quorum.
 */
export function ShareDial({ centre, radius, total, threshold, block, finalized }: ShareDialProps) {
  const notarized = block?.notarizedBy.length ?? 0;
  const final = block?.finalizedBy.length ?? 0;
  const height = block?.facts.height ?? 0;
  // A small one has thinner rings, and less room for the number.
  const unit = Math.min(1, radius / 40);
  const description = `Height ${height}: ${notarized} notarization and ${final} finalization shares of ${total}, ${threshold} needed`;
  return (
    <g transform={`translate(${centre.x} ${centre.y})`} role="img" aria-label={description}>
      <ShareRing
        inner={radius - 6 * unit}
        outer={radius}
        total={total}
        filled={notarized}
        kind="notarization"
      />
      <ShareRing
        inner={radius - 15 * unit}
        outer={radius - 9 * unit}
        total={total}
        filled={final}
        kind="finalization"
      />
      <line
        className="dial-threshold"
        y1={-radius + 17 * unit}
        y2={-radius - 5 * unit}
        transform={`rotate(${(360 * threshold) / total})`}
      />
      <text className={`dial-height ${unit < 0.7 ? 'dial-height-small' : ''}`} dy="0.02em">
        {formatCount(finalized)}
      </text>
      <text className="dial-caption" y="18">
        finalized
      </text>
      <text className="dial-note" y={radius + 18}>
        {threshold} of {total} shares decide
      </text>
    </g>
  );
}

interface ShareRingProps {
  readonly inner: number;
  readonly outer: number;
  readonly total: number;
  readonly filled: number;
  readonly kind: 'notarization' | 'finalization';
}

const ShareRing = memo(function ShareRing({ inner, outer, total, filled, kind }: ShareRingProps) {
  const segment = arc<number>()
    .innerRadius(inner)
    .outerRadius(outer)
    .padAngle(0.05)
    .startAngle((index) => (2 * Math.PI * index) / total)
    .endAngle((index) => (2 * Math.PI * (index + 1)) / total);
  return Array.from({ length: total }, (_, index) => (
    <path
      key={index}
      d={segment(index) ?? ''}
      className={index < filled ? `dial-share dial-${kind}` : 'dial-share'}
    />
  ));
});
