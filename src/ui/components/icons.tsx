import type { ReactNode } from 'react';

const PATHS = {
  observe: (
    <path d="M12 5c5 0 8.5 4.6 9.5 7-1 2.4-4.5 7-9.5 7s-8.5-4.6-9.5-7c1-2.4 4.5-7 9.5-7Zm0 4a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z" />
  ),
  build: <path d="m8.5 6-6 6 6 6m7-12 6 6-6 6M13.5 4l-3 16" />,
  learn: <path d="M12 6c-2-1.5-5-2-9-2v14c4 0 7 .5 9 2 2-1.5 5-2 9-2V4c-4 0-7 .5-9 2Zm0 0v14" />,
  present: <path d="M3 4h18v12H3zm9 12v4m-4 0h8" />,
  honesty: <path d="M12 3v18M7 21h10M4 7h16M6.5 7 3 14h7zm11 0L14 14h7z" />,
  networks: (
    <path d="M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3Zm0 0v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3" />
  ),
  play: <path d="M7 4.5v15l12-7.5z" fill="currentColor" />,
  pause: <path d="M8 5v14M16 5v14" strokeWidth="3" />,
  step: <path d="M5 5v14l10-7zM19 5v14" fill="currentColor" />,
  help: (
    <path d="M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.1-1.5 2.4m0 3.2v.1M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19Z" />
  ),
  system: (
    <path d="M12 3a9 9 0 1 0 0 18zm0 0a9 9 0 0 1 0 18" fill="currentColor" fillOpacity="0.35" />
  ),
  light: (
    <path d="M12 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.4 1.4m11.2 11.2L19 19M5 19l1.4-1.4M17.6 6.4 19 5" />
  ),
  dark: <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z" />,
  world: (
    <path d="M6 3.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6Zm12 3a3 3 0 1 0 0 6 3 3 0 0 0 0-6Zm-9 8a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM9 7l6 2m1.5 3-5 4M7 9.3l1.3 5.3" />
  ),
  close: <path d="M5 5l14 14M19 5 5 19" />,
  key: <path d="M8 12a4 4 0 1 0 0 .1Zm4 0h9m-3 0v4m-4-4v3" />,
  ring: (
    <path d="M12 2.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6Zm-6 11a3 3 0 1 0 0 6 3 3 0 0 0 0-6Zm12 0a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM9.5 7.5 7.3 13m7.2-5.5 2.2 5.5M9 16.5h6" />
  ),
  calls: <path d="M5 4v9h7m-3-3 3 3-3 3M12 13v7h7m-3-3 3 3-3 3" />,
  table: <path d="M3 5h18v14H3zm0 5h18M9 10v9" />,
  plus: <path d="M12 5v14M5 12h14" />,
  power: <path d="M12 3v9m5.5-6a8 8 0 1 1-11 0" />,
  check: <path d="m4.5 12.5 5 5 10-11" />,
  shield: <path d="M12 2.5 4 6v6c0 4.8 3.4 8.2 8 9.5 4.6-1.3 8-4.7 8-9.5V6Zm-4 9.7 3 3 5-6" />,
  alert: <path d="M12 3 2 20.5h20zm0 6.5v5m0 2.8v.1" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof PATHS;

/** A 24-grid line icon; decorative, so its button or label carries the words. */
export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {PATHS[name]}
    </svg>
  );
}
