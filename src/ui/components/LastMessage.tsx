import type { MessageView } from '../../wire/projection.ts';
import { formatCount } from '../store/format.ts';

/** A row of a list of fields: what a canister executed last; nothing where it is not known. */
export function LastMessage({ message }: { readonly message: MessageView | undefined }) {
  return message === undefined ? null : (
    <>
      <dt>Last message</dt>
      <dd>
        <span className="mono">{message.method}</span> at height {formatCount(message.height)},{' '}
        {formatCount(message.instructions)} instructions
      </dd>
    </>
  );
}
