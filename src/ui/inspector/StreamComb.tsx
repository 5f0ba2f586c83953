import { subnetName } from '../../wire/topology.ts';
import { formatCount } from '../store/format.ts';
import type { Direction } from '../store/streams.ts';

const TOOTH = 15;
/** Drawn of what the sender keeps, the oldest. */
const MAX_TEETH = 14;
const LEFT = 4;
const LINE = 30;
const SIZE = { width: 300, height: 62 } as const;

/**
 * The messages that a sender keeps, in order of their indexes, with the marks of the stream: begin,
 * end, and the index up to which the receiver has signalled. The table holds the same.
 */
export function StreamComb({ direction }: { readonly direction: Direction }) {
  const { from, to, begin, end, taken, waiting } = direction;
  const teeth = Math.min(MAX_TEETH, waiting);
  const at = (index: number): number => LEFT + TOOTH * Math.min(teeth, Math.max(0, index - begin));
  const isCut = waiting > MAX_TEETH;
  return (
    <figure className="comb" aria-hidden="true">
      <figcaption className="muted">
        {subnetName(from)} → {subnetName(to)}
      </figcaption>
      <svg width={SIZE.width} height={SIZE.height}>
        <line className="comb-line" x1={LEFT} x2={SIZE.width - LEFT} y1={LINE} y2={LINE} />
        {Array.from({ length: teeth }, (_, tooth) => (
          <rect
            key={begin + tooth}
            className={`comb-message ${begin + tooth < taken ? 'comb-taken' : ''}`}
            x={at(begin + tooth) + 2.5}
            y={LINE - 14}
            width={TOOTH - 5}
            height={11}
            rx="2"
          />
        ))}
        <line className="comb-tick" x1={at(begin)} x2={at(begin)} y1={LINE - 16} y2={LINE + 5} />
        <line className="comb-tick" x1={at(end)} x2={at(end)} y1={LINE - 16} y2={LINE + 5} />
        <line className="comb-signals" x1={at(taken)} x2={at(taken)} y1={LINE - 2} y2={LINE + 14} />
        {waiting === 0 ? (
          <text x={LEFT} y={10}>
            begin = end {formatCount(end)}
          </text>
        ) : (
          <>
            <text x={LEFT} y={10}>
              begin {formatCount(begin)}
            </text>
            <text x={Math.max(at(end), LEFT + 76)} y={10}>
              {isCut ? '… ' : ''}end {formatCount(end)}
            </text>
          </>
        )}
        <text x={at(taken)} y={LINE + 26}>
          signals end {formatCount(taken)}
        </text>
      </svg>
    </figure>
  );
}
