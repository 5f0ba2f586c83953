import { measureDkg } from './dkg-measure.ts';

/** Entry of the bundle that runs in a worker of the browser: one request, one answer. */
self.addEventListener('message', (event: MessageEvent<[number, string, number]>) => {
  const [n, backend, rounds] = event.data;
  measureDkg(n, backend, rounds).then(
    (runs) => self.postMessage({ runs }),
    (error: unknown) => self.postMessage({ error: String(error) }),
  );
});
