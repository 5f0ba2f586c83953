/**
 * The script that a node's worker starts with. Chromium keeps the compiled code of modules that a worker
 * loads by `import()`, for its eight nodes and for the next visit, but not that of its first script.
 * What arrives until the code is there is handed on to it.
 */
const early: MessageEvent[] = [];
const keep = (event: MessageEvent): void => {
  early.push(event);
};

addEventListener('message', keep);
import('./node-main.ts').then(
  () => {
    removeEventListener('message', keep);
    for (const event of early) {
      dispatchEvent(event);
    }
  },
  (reason: unknown) => {
    // In a task of its own it is an error of the worker, which whoever started it hears.
    setTimeout(() => {
      throw reason;
    });
  },
);
