import type { CanisterView } from '../../wire/projection.ts';
import { formatCount } from '../store/format.ts';

type Queues = CanisterView['facts']['queues'];

/** Messages drawn one by one; the number says how many there are. */
const MAX_TEETH = 10;

const QUEUES: readonly (readonly [key: keyof Queues, name: string, title: string])[] = [
  ['inputs', 'in', 'Messages to it that are not begun: requests, responses and calls of users'],
  ['outputs', 'out', 'Messages of it that are in no stream and with no receiver yet'],
  ['openCalls', 'open calls', 'Its own calls that no answer came for'],
];

/** What waits at a canister after its subnet's last round. */
export function QueueDepth({ queues }: { readonly queues: Queues }) {
  return (
    <dl className="queues">
      {QUEUES.map(([key, name, title]) => (
        <div key={key} className={queues[key] === 0 ? 'muted' : undefined} title={title}>
          <dt>{name}</dt>
          <dd>
            <span className="mono">{formatCount(queues[key])}</span>
            <Teeth count={queues[key]} isCall={key === 'openCalls'} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Teeth({ count, isCall }: { readonly count: number; readonly isCall: boolean }) {
  return (
    <span className={isCall ? 'teeth teeth-calls' : 'teeth'} aria-hidden="true">
      {Array.from({ length: Math.min(MAX_TEETH, count) }, (_, tooth) => (
        <i key={tooth} />
      ))}
      {count > MAX_TEETH ? '…' : null}
    </span>
  );
}
