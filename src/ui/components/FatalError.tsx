import { useState } from 'react';
import { BrandMark } from './TopBar.tsx';

interface FatalErrorProps {
  readonly what: string;
  readonly reason: string;
  /** What the reader can do about it. */
  readonly advice: string;
  readonly action: 'reload' | 'plainAddress';
}

/** The page cannot go on: what failed, why, and what to do. */
export function FatalError({ what, reason, advice, action }: FatalErrorProps) {
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
        <p className="muted small">{advice}</p>
        <div className="row">
          {action === 'reload' ? (
            <button
              type="button"
              className="button button-primary"
              onClick={() => location.reload()}
            >
              Reload
            </button>
          ) : (
            <a className="button button-primary" href={location.pathname}>
              Open the usual network
            </a>
          )}
          {action === 'reload' ? (
            <a className="button" href="?fresh">
              Open a fresh network
            </a>
          ) : null}
          <button type="button" className="button" onClick={copy}>
            {copied ? 'Copied' : 'Copy report'}
          </button>
        </div>
      </div>
    </main>
  );
}
