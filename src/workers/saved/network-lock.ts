import { lockedNetworks, networkLockName } from '../storage/stale-storage.ts';

/** A page that is being reloaded gives its locks back a moment after its successor runs. */
const ATTEMPTS = 15;
const RETRY_MS = 100;
/** A page loads before it takes a network. */
const TAKEN_ATTEMPTS = 300;

/**
 * Takes the lock that makes this tab the owner of a network; answers what releases it, or undefined
 * when another tab has it.
 */
export async function takeNetworkLock(networkId: string): Promise<(() => void) | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const release = await tryLock(networkLockName(networkId));
    if (release !== undefined || attempt === ATTEMPTS) {
      return release;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** False when another tab has the network, and does not give it back within a moment. */
export async function isNetworkFree(networkId: string): Promise<boolean> {
  const release = await takeNetworkLock(networkId);
  release?.();
  return release !== undefined;
}

/** Runs a task as the owner of a network; undefined, and nothing is run, while another has it. */
export async function asOwner<T>(
  networkId: string,
  task: () => Promise<T>,
): Promise<T | undefined> {
  const options = { ifAvailable: true };
  return navigator.locks.request(networkLockName(networkId), options, async (lock) =>
    lock === null ? undefined : task(),
  );
}

/** Resolves once the tab that owns the network has given it back. */
export async function untilUnlocked(networkId: string): Promise<void> {
  await navigator.locks.request(networkLockName(networkId), () => undefined);
}

/** Resolves once a tab has the network, or none took it in time. */
export async function untilTaken(networkId: string): Promise<void> {
  for (let attempt = 0; attempt < TAKEN_ATTEMPTS; attempt += 1) {
    if ((await lockedNetworks()).has(networkId)) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function tryLock(name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const asked = navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock === null) {
        resolve(undefined);
        return undefined;
      }
      return new Promise<void>((release) => {
        resolve(release);
      });
    });
    asked.catch(reject);
  });
}
