import { useState } from 'react';
import { BrandMark } from './TopBar.tsx';

/** The page cannot go on: what failed, why, and what to do. */
export function FatalError({ what, reason }: { readonly what: string; readonly reason: string }) {
  const [copied, setCopied] = useState(false);
  const report = `${what}\n${reason}\n${navigator.userAgent}\n${location.href}`;
  const copy = (): void => {
    navigator.clipboard?.writeText(report).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <main className="boot">
      <div className="boot-card" role="alert">
        <h1 className="boot-title">
          <BrandMark /> Subnetarium
        </h1>
        <p className="tone-error">{what}</p>
        <p className="mono small fatal-reason">{reason}</p>
        <p className="muted small">
          A browser with module workers and 64-bit WebAssembly memory is needed: Chromium 133 or
          newer. Reloading starts a new network.
        </p>
        <div className="row">
          <button type="button" className="button button-primary" onClick={() => location.reload()}>
            Reload
          </button>
          <button type="button" className="button" onClick={copy}>
            {copied ? 'Copied' : 'Copy report'}
          </button>
        </div>
      </div>
    </main>
  );
}
