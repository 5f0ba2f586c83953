import { useState } from 'react';
import type { ArtifactReference, Verification } from '../../wire/network.ts';
import { CopyText } from '../components/CopyText.tsx';
import { Icon } from '../components/icons.tsx';
import { useProjection, useServices } from '../services.tsx';
import { subnetOf } from '../store/derive.ts';
import { formatMs, shortHash } from '../store/format.ts';

type State =
  | { readonly kind: 'idle' | 'busy' }
  | { readonly kind: 'done'; readonly verification: Verification; readonly tookMs: number }
  | { readonly kind: 'failed'; readonly message: string };

/** Checks a signature with the core's own crypto and shows every step of the check. */
export function VerifyButton(props: {
  readonly reference: ArtifactReference;
  readonly what: string;
}) {
  const { network } = useServices();
  const { subnetId } = useProjection(subnetOf);
  const [state, setState] = useState<State>({ kind: 'idle' });
  const verify = async (): Promise<void> => {
    setState({ kind: 'busy' });
    const startedMs = performance.now();
    const result = await network.inspect.verify({ ...props.reference, subnetId });
    setState(
      result.ok
        ? { kind: 'done', verification: result.value, tookMs: performance.now() - startedMs }
        : { kind: 'failed', message: result.error.message },
    );
  };
  const run = (): void => {
    verify().catch((reason: unknown) => setState({ kind: 'failed', message: String(reason) }));
  };
  return (
    <div className="verify">
      <button type="button" className="button" disabled={state.kind === 'busy'} onClick={run}>
        <Icon name="shield" size={16} />
        {state.kind === 'busy' ? 'Checking the signature' : `Verify ${props.what}`}
      </button>
      <div role="status">
        {state.kind === 'failed' ? <p className="tone-error small">{state.message}</p> : null}
        {state.kind === 'done' ? <Outcome {...state} /> : null}
      </div>
    </div>
  );
}

function Outcome(props: { readonly verification: Verification; readonly tookMs: number }) {
  const { valid, steps, scheme, messageHex, publicKeyHex, signatureHex } = props.verification;
  return (
    <div className="small">
      <p className={valid ? 'tone-good' : 'tone-error'}>
        {valid ? '✓ Valid' : '× Not valid'}
        <span className="muted"> · checked here in {formatMs(props.tookMs)}</span>
      </p>
      <ol className="steps">
        {steps.map((step) => (
          <li key={step.claim}>
            <span className={step.holds ? 'tone-good' : 'tone-error'}>
              {step.holds ? '✓' : '×'}
            </span>{' '}
            {step.claim}
          </li>
        ))}
      </ol>
      <dl className="fields">
        <dt>Scheme</dt>
        <dd>{scheme}</dd>
        {(
          [
            ['Signed bytes', messageHex],
            ['Public key', publicKeyHex],
            ['Signature', signatureHex],
          ] as const
        ).map(([label, hex]) => (
          <FieldHex key={label} label={label} hex={hex} />
        ))}
      </dl>
    </div>
  );
}

function FieldHex({ label, hex }: { readonly label: string; readonly hex: string }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>
        {hex === '' ? '–' : <CopyText full={hex} short={shortHash(hex)} />}
        <span className="muted"> {hex.length / 2} B</span>
      </dd>
    </>
  );
}
