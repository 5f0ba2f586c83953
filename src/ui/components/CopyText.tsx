import { useState } from 'react';

/** A shortened identifier that shows itself in full on focus and copies itself on click. */
export function CopyText({ full, short }: { readonly full: string; readonly short: string }) {
  const [copied, setCopied] = useState(false);
  const [focused, setFocused] = useState(false);
  const copy = (): void => {
    navigator.clipboard?.writeText(full).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <>
      <button
        type="button"
        className="copy mono"
        title={full}
        aria-label={`${full}, copy`}
        onClick={copy}
        onFocus={(event) => setFocused(event.currentTarget.matches(':focus-visible'))}
        onBlur={() => {
          setFocused(false);
          setCopied(false);
        }}
      >
        {focused ? full : short}
      </button>
      <span role="status" className="small muted">
        {copied ? ' copied' : ''}
      </span>
    </>
  );
}
