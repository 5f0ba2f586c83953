import { useCallback, useId, useState } from 'react';
import type { Network, NetworkError, NetworkResult } from '../../wire/network.ts';
import { useServices } from '../services.tsx';

/** Small controls of the fault panel. */

interface CheckProps {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}

export function Check({ label, checked, onChange }: CheckProps) {
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

interface ChoiceProps<T extends string | number> {
  readonly label: string;
  readonly value: T;
  readonly choices: readonly T[];
  readonly show: (value: T) => string;
  readonly onChange: (value: T) => void;
}

/** A script may have set a value that is none of the choices: it is shown all the same. */
export function Choice<T extends string | number>(props: ChoiceProps<T>) {
  const { label, value, choices, show, onChange } = props;
  const id = useId();
  const all = choices.includes(value) ? choices : [...choices, value];
  return (
    <div className="choice">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        className="input"
        value={all.indexOf(value)}
        onChange={(event) => {
          const chosen = all[Number(event.currentTarget.value)];
          if (chosen !== undefined) {
            onChange(chosen);
          }
        }}
      >
        {all.map((choice, index) => (
          <option key={choice} value={index}>
            {show(choice)}
          </option>
        ))}
      </select>
    </div>
  );
}

export type Command = (network: Network) => NetworkResult<unknown>;

/** Runs commands and keeps the reason of the last refusal, to be shown beside the control. */
export function useCommandHere(): {
  readonly run: (command: Command) => void;
  readonly failure: NetworkError | null;
} {
  const { network, ui } = useServices();
  const [failure, setFailure] = useState<NetworkError | null>(null);
  const run = useCallback(
    (command: Command): void => {
      command(network).then(
        (result) => setFailure(result.ok ? null : result.error),
        (reason: unknown) => ui.setState({ commandError: String(reason) }),
      );
    },
    [network, ui],
  );
  return { run, failure };
}

/**
 * A setting of the network that switches change: it shows what was asked until the network tells
 * what is so, so that quick changes add up and none is lost.
 */
export function useSetting<T extends object>(
  current: T,
  send: (network: Network, next: T) => NetworkResult<unknown>,
): { readonly shown: T; readonly ask: (next: T) => void; readonly failure: NetworkError | null } {
  const { run, failure } = useCommandHere();
  const [asked, setAsked] = useState({ on: current, value: current });
  const shown = asked.on === current ? asked.value : current;
  const ask = (next: T): void => {
    setAsked({ on: current, value: next });
    run(async (network) => {
      const result = await send(network, next);
      if (!result.ok) {
        setAsked({ on: current, value: current });
      }
      return result;
    });
  };
  return { shown, ask, failure };
}

export function Failure({ failure }: { readonly failure: NetworkError | null }) {
  return (
    <div role="alert">
      {failure === null ? null : (
        <p className="failure small">
          <span className="mono">{failure.code}</span>: {failure.message}
        </p>
      )}
    </div>
  );
}
