import { useId } from 'react';
import { ATTACKS } from '../../wire/malicious.ts';
import { HEALTHY_NODE, type NodeConditions } from '../../wire/node-conditions.ts';
import type { NodeView } from '../../wire/projection.ts';
import { useCommand } from '../services.tsx';
import { isUp } from '../store/derive.ts';

type AttackKind = keyof typeof ATTACKS;
const KINDS = Object.keys(ATTACKS) as readonly AttackKind[];

const CPU_CHOICES = [1, 4, 16];
const DISK_CHOICES_MS = [0, 100, 1_000];
const CLOCK_CHOICES_MS = [-10_000, 0, 10_000];

/** What the world does to the node, and which rule it breaks on purpose. */
export function FaultPanel({ node }: { readonly node: NodeView }) {
  const command = useCommand();
  const { nodeId, world } = node;
  const change = (edit: Partial<NodeConditions>): void =>
    command(({ faults }) => faults.setNode(nodeId, { ...world, ...edit }));
  const ill = Object.entries(HEALTHY_NODE).filter(
    ([key, healthy]) => world[key as keyof NodeConditions] !== healthy,
  ).length;
  const on = ill + node.behaviours.length;
  return (
    <details className="faults" data-testid="fault-panel">
      <summary>
        Faults and attacks {on === 0 ? null : <span className="tag tone-warning">{on} on</span>}
      </summary>
      <AttackChoice node={node} />
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
          show={(factor) => (factor === 1 ? 'full speed' : `${factor} times slower`)}
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
          show={(ms) =>
            ms === 0 ? 'right' : `${Math.abs(ms) / 1000} s ${ms > 0 ? 'ahead' : 'behind'}`
          }
          onChange={(clockOffsetMs) => change({ clockOffsetMs })}
        />
      </div>
      <div className="row">
        <button
          type="button"
          className="button"
          disabled={isUp(node) || node.condition === 'starting'}
          title="Erases what the node has stored; it must be down"
          onClick={() => command(({ faults }) => faults.wipe(nodeId))}
        >
          Wipe its disk
        </button>
        <button
          type="button"
          className="button"
          onClick={() => command(({ faults }) => faults.heal())}
          title="Undoes every partition, link setting and node condition of the network"
        >
          Heal the world
        </button>
      </div>
    </details>
  );
}

function AttackChoice({ node }: { readonly node: NodeView }) {
  const command = useCommand();
  const id = useId();
  const [first, ...others] = node.behaviours;
  const chosen = first === undefined ? 'none' : others.length > 0 ? 'several' : first.kind;
  const facts = chosen === 'none' || chosen === 'several' ? undefined : ATTACKS[chosen];
  const attack = (value: string): void => {
    const kind = KINDS.find((known) => known === value);
    const behaviours = kind === undefined ? [] : [ATTACKS[kind].preset];
    command(({ faults }) => faults.setMalicious(node.nodeId, behaviours));
  };
  return (
    <div className="value">
      <label htmlFor={id}>Attack</label>
      <select
        id={id}
        className="input"
        value={chosen}
        onChange={(event) => attack(event.currentTarget.value)}
      >
        <option value="none">none: it is honest</option>
        {chosen === 'several' ? <option value="several">several, set by a script</option> : null}
        {KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {ATTACKS[kind].name}
          </option>
        ))}
      </select>
      {facts === undefined ? null : (
        <p className="small">
          {facts.explanation} <span className="muted">{facts.defence}</span>
        </p>
      )}
    </div>
  );
}

interface CheckProps {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}

function Check({ label, checked, onChange }: CheckProps) {
  return (
    <label className="check">
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {label}
    </label>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: number;
  readonly choices: readonly number[];
  readonly show: (value: number) => string;
  readonly onChange: (value: number) => void;
}

/** A script may have set a value that is none of the choices: it is shown all the same. */
function Choice({ label, value, choices, show, onChange }: ChoiceProps) {
  const id = useId();
  const all = choices.includes(value) ? choices : [...choices, value];
  return (
    <div className="value">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        className="input"
        value={value}
        onChange={(event) => onChange(Number(event.currentTarget.value))}
      >
        {all.map((choice) => (
          <option key={choice} value={choice}>
            {show(choice)}
          </option>
        ))}
      </select>
    </div>
  );
}
