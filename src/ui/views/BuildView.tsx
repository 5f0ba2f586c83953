import { lazy, Suspense } from 'react';

/** The agent and the forms are a chunk of their own: who only watches does not load them. */
const Workshop = lazy(() =>
  import('../workshop/Workshop.tsx').then(({ Workshop }) => ({ default: Workshop })),
);

export function BuildView() {
  return (
    <Suspense
      fallback={
        <main className="page" id="main" tabIndex={0}>
          Loading the workshop
        </main>
      }
    >
      <Workshop />
    </Suspense>
  );
}
