import { type ReactNode, useState } from 'react';
import { useServices } from '../services.tsx';

/** Why nothing can be changed here, and what brings the network into this tab. */
export function ReadOnlyBanner() {
  const { readOnly } = useServices();
  const [asked, setAsked] = useState(false);
  if (readOnly === null) {
    return null;
  }
  const takeOver = (): void => {
    setAsked(true);
    readOnly.handOver();
  };
  return (
    <section className="read-only" aria-label="Read-only view" data-testid="read-only">
      <p className="small" role="status">
        The network <b>{readOnly.name}</b> is open in another tab. Its nodes run there: here you can
        look, ask queries and read state, and nothing can be changed.
      </p>
      <button type="button" className="button" disabled={asked} onClick={takeOver}>
        {asked ? 'The other tab gives it over' : 'Run it in this tab'}
      </button>
    </section>
  );
}

/** Controls that change the network: disabled where one only looks on. */
export function Mutating({ children }: { readonly children: ReactNode }) {
  const { readOnly } = useServices();
  return readOnly === null ? (
    children
  ) : (
    <fieldset
      className="mutating"
      disabled
      title="The network runs in another tab: commands are given there."
    >
      {children}
    </fieldset>
  );
}
