import type { NodeConditions } from '../../wire/node-conditions.ts';
import type { NodeView } from '../../wire/projection.ts';
import { Icon } from '../components/icons.tsx';
import { useProjection } from '../services.tsx';
import { canRestart, isUp } from '../store/derive.ts';
import { Check, Choice, Failure, useCommandHere, useSetting } from './controls.tsx';

const CPU_CHOICES = [1, 2, 5, 20];
const DISK_CHOICES_MS = [0, 50, 200, 1_000, 5_000];
const CLOCK_CHOICES_MS = [-60_000, -10_000, -1_000, 0, 1_000, 10_000, 60_000];

/** What the world does to one node. */
export function NodeFaults({ node }: { readonly node: NodeView }) {
  const { run, failure } = useCommandHere();
  const {
    shown: world,
    ask,
    failure: refused,
  } = useSetting<NodeConditions>(node.world, ({ faults }, next) =>
    faults.setNode(node.nodeId, next),
  );
  const change = (edit: Partial<NodeConditions>): void => ask({ ...world, ...edit });
  return (
    <section aria-labelledby="node-faults">
      <h3 id="node-faults">The world around {node.label}</h3>
      <PowerButtons node={node} run={run} />
      <div className="faults-grid">
        <Check label="Hangs" checked={world.paused} onChange={(paused) => change({ paused })} />
        <Check
          label="Disk refuses writes"
          checked={world.failWrites}
          onChange={(failWrites) => change({ failWrites })}
        />
        <Choice
          label="Processor"
          value={world.cpuSlowdown}
          choices={CPU_CHOICES}
          show={(factor) => (factor === 1 ? 'full speed' : `${factor} × slower`)}
          onChange={(cpuSlowdown) => change({ cpuSlowdown })}
        />
        <Choice
          label="Disk"
          value={world.diskDelayMs}
          choices={DISK_CHOICES_MS}
          show={(ms) => (ms === 0 ? 'at once' : `${ms} ms a write`)}
          onChange={(diskDelayMs) => change({ diskDelayMs })}
        />
        <Choice
          label="Clock"
          value={world.clockOffsetMs}
          choices={CLOCK_CHOICES_MS}
          show={clockInWords}
          onChange={(clockOffsetMs) => change({ clockOffsetMs })}
        />
      </div>
      <Failure failure={failure ?? refused} />
    </section>
  );
}

function clockInWords(offsetMs: number): string {
  return offsetMs === 0
    ? 'right'
    : `${Math.abs(offsetMs) / 1000} s ${offsetMs > 0 ? 'ahead' : 'behind'}`;
}

interface PowerButtonsProps {
  readonly node: NodeView;
  readonly run: ReturnType<typeof useCommandHere>['run'];
}

function PowerButtons({ node, run }: PowerButtonsProps) {
  const { nodeId, condition } = node;
  const restartable = useProjection((projection) => canRestart(projection, node));
  const down = condition === 'stopped' || condition === 'crashed';
  return (
    <div className="row">
      {isUp(node) ? (
        <button
          type="button"
          className="button button-danger"
          onClick={() => run(({ faults }) => faults.kill(nodeId))}
        >
          <Icon name="power" size={15} /> Kill
        </button>
      ) : (
        <button
          type="button"
          className="button"
          disabled={!restartable}
          onClick={() => run(({ faults }) => faults.restart(nodeId))}
        >
          <Icon name="power" size={15} /> Restart
        </button>
      )}
      <button
        type="button"
        className="button"
        disabled={!down}
        title="Erases what the node has stored; it must be down"
        onClick={() => run(({ faults }) => faults.wipe(nodeId))}
      >
        Wipe its disk
      </button>
      {down && !restartable ? (
        <span className="muted small row-note">
          A spare node starts when Keys makes it a member.
        </span>
      ) : null}
      {down ? null : <span className="muted small row-note">It must be down to be wiped.</span>}
    </div>
  );
}
