import { useId, useState } from 'react';
import type { LinkConditions } from '../../wire/network-spec.ts';
import { Choice } from './controls.tsx';

type Amounts = Omit<LinkConditions, 'distribution' | 'cut'>;

const AMOUNTS: readonly (readonly [keyof Amounts, string, string])[] = [
  ['delayMs', 'Delay, one way', 'ms'],
  ['jitterMs', 'Jitter', 'ms'],
  ['lossPercent', 'Lost', '%'],
  ['duplicatePercent', 'Doubled', '%'],
  ['reorderPercent', 'Out of order', '%'],
  ['bandwidthKbps', 'Bandwidth, 0 = unlimited', 'kbit/s'],
];

const SPREADS: Readonly<Record<LinkConditions['distribution'], string>> = {
  uniform: 'even',
  normal: 'normal',
  heavyTail: 'at times far more',
};

interface LinkFormProps {
  readonly now: LinkConditions;
  readonly distributions: readonly LinkConditions['distribution'][];
  readonly onApply: (conditions: LinkConditions) => void;
}

/** The amounts are checked by the network, which answers with the bound that was broken. */
export function LinkForm({ now, distributions, onApply }: LinkFormProps) {
  const [edited, setEdited] = useState<Readonly<Partial<Record<keyof Amounts, string>>>>({});
  const [distribution, setDistribution] = useState(now.distribution);
  const apply = (): void => {
    const amounts = Object.entries(edited).map(([key, text]) => [key, toAmount(text)]);
    onApply({ ...now, ...(Object.fromEntries(amounts) as Partial<Amounts>), distribution });
  };
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      <div className="faults-grid">
        {AMOUNTS.map(([key, label, unit]) => (
          <Amount
            key={key}
            label={`${label} (${unit})`}
            value={edited[key] ?? String(now[key])}
            onChange={(text) => setEdited({ ...edited, [key]: text })}
          />
        ))}
        <Choice
          label="Spread of the jitter"
          value={distribution}
          choices={distributions}
          show={(name) => SPREADS[name]}
          onChange={setDistribution}
        />
        <button type="submit" className="button">
          Apply to the link
        </button>
      </div>
    </form>
  );
}

/** What is no number becomes one that the network refuses. */
function toAmount(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

interface AmountProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
}

function Amount({ label, value, onChange }: AmountProps) {
  const id = useId();
  return (
    <div className="choice">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="input mono"
        inputMode="numeric"
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    </div>
  );
}
