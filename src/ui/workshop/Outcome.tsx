import type { DidInterface, DidMethod } from '../candid/did-types.ts';
import { formatValue } from '../candid/format-value.ts';
import { formatMs, formatTime } from '../store/format.ts';
import type { CallOutcome, Proof } from './client.ts';

const REJECT_NAMES: Readonly<Record<number, string>> = {
  1: 'SYS_FATAL',
  2: 'SYS_TRANSIENT',
  3: 'DESTINATION_INVALID',
  4: 'CANISTER_REJECT',
  5: 'CANISTER_ERROR',
};

interface OutcomeProps {
  readonly outcome: CallOutcome;
  readonly did: DidInterface;
  readonly method: DidMethod;
}

/** An answer in Candid text, and how the page knows that it is the subnet's. */
export function Outcome({ outcome, did, method }: OutcomeProps) {
  if (outcome.kind === 'failed') {
    return (
      <div className="outcome">
        <p className="tone-error">× No answer</p>
        <p className="small">{outcome.message}</p>
      </div>
    );
  }
  const took = formatMs(outcome.tookMs);
  if (outcome.kind === 'rejected') {
    const name = REJECT_NAMES[outcome.rejectCode] ?? 'unknown';
    return (
      <div className="outcome">
        <p className="tone-error">
          × Rejected: code {outcome.rejectCode} {name}
          {outcome.errorCode === null ? '' : `, ${outcome.errorCode}`}
        </p>
        <p className="small outcome-text">{outcome.message}</p>
        <ProofLine proof={outcome.proof} took={took} />
      </div>
    );
  }
  const values = outcome.values.map((value, index) => {
    const type = method.results[index]?.type;
    return type === undefined ? '…' : formatValue(value, type, did.types);
  });
  return (
    <div className="outcome">
      <output className="mono outcome-value">({values.join(', ')})</output>
      <ProofLine proof={outcome.proof} took={took} />
    </div>
  );
}

function ProofLine({ proof, took }: { readonly proof: Proof; readonly took: string }) {
  switch (proof.kind) {
    case 'certificate':
      return (
        <p className="small" data-testid="proof">
          <span className="tone-good">✓ Certified by the subnet</span>
          <span className="muted">
            , signature checked by the agent
            {proof.timeNs === null ? '' : `, state of ${formatTime(proof.timeNs)} UTC`} · {took}
          </span>
        </p>
      );
    case 'nodeSignatures':
      return (
        <p className="small" data-testid="proof">
          <span className="tone-warning">
            ✓ Signed by {proof.count === 1 ? 'one node' : `${proof.count} nodes`}
          </span>
          <span className="muted">
            , checked by the agent; not certified by the subnet · {took}
          </span>
        </p>
      );
    case 'none':
      return (
        <p className="small tone-warning" data-testid="proof">
          ! The answer carries no proof · {took}
        </p>
      );
  }
}
