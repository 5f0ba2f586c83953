import { errorCodeText, type UserError } from './user-error.ts';

/** How one message ended for its caller. */
export type MessageOutcome =
  | { readonly kind: 'replied'; readonly reply: Uint8Array }
  | {
      readonly kind: 'rejected';
      readonly error: UserError;
      /** What a calling canister is told; absent = the code and the text. */
      readonly told?: string;
    };

/** As onlookers are told: `replied`, or the code and the text of the error. */
export function outcomeText(outcome: MessageOutcome): string {
  return outcome.kind === 'replied'
    ? 'replied'
    : `${errorCodeText(outcome.error.code)}: ${outcome.error.message}`;
}
