import { ATTACKS } from '../../wire/malicious.ts';
import type { NodeView } from '../../wire/projection.ts';
import { AttackOptions } from './AttackOptions.tsx';
import { Check, Failure, useSetting } from './controls.tsx';

type Behaviour = NodeView['behaviours'][number];
const KINDS = Object.keys(ATTACKS) as readonly (keyof typeof ATTACKS)[];

/** Every rule the node can break on purpose, several at once; what each does and what stands against it. */
export function Attacks({ node }: { readonly node: NodeView }) {
  const {
    shown: behaviours,
    ask,
    failure,
  } = useSetting<readonly Behaviour[]>(node.behaviours, (network, next) =>
    network.faults.setMalicious(node.nodeId, next),
  );
  return (
    <section aria-labelledby="attacks">
      <h3 id="attacks">Rules that {node.label} breaks</h3>
      <Failure failure={failure} />
      <ul className="attacks">
        {KINDS.map((kind) => {
          const on = behaviours.find((behaviour) => behaviour.kind === kind);
          const others = behaviours.filter((behaviour) => behaviour.kind !== kind);
          const { name, explanation, defence, preset } = ATTACKS[kind];
          return (
            <li key={kind} data-on={on !== undefined}>
              <Check
                label={name}
                checked={on !== undefined}
                onChange={(checked) => ask(checked ? [...others, preset] : others)}
              />
              <p className="small muted">{explanation}</p>
              {on === undefined ? null : (
                <>
                  <AttackOptions
                    behaviour={on}
                    onChange={(changed) =>
                      ask(behaviours.map((other) => (other === on ? changed : other)))
                    }
                  />
                  <p className="small attack-defence">
                    <b>What stands against it:</b> {defence}
                  </p>
                </>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
