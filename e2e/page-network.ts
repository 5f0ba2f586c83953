import { type JSHandle, type Page, test as base } from '@playwright/test';
import type { Network, NetworkSnapshot } from '../src/wire/network.ts';
import type { NetworkSpec } from '../src/wire/network-spec.ts';
import type { TelemetryBatch } from '../src/wire/telemetry.ts';
import type { ContractNetwork } from '../tests/contract/contract-host.ts';
import { fetchThrough } from '../tests/support/page-agent.ts';
import { exposeNetwork } from '../tests/support/page-globals.ts';

type Listener = (batch: TelemetryBatch) => void;

declare global {
  interface Window {
    /** Installed by `createPageNetwork`: brings a batch to the listener of that number. */
    deliverBatch?(listener: number, batch: TelemetryBatch): Promise<void>;
    /** Ends a subscription, by the number of its listener. */
    subscriptions?: Map<number, () => void>;
  }
}

/**
 * Tests that each make a network of their own, which ends with them, take turns in one page. After a
 * failed test the next one gets a fresh page, as Playwright then starts another worker process.
 */
export const test = base.extend<object, { readonly barePage: Page }>({
  barePage: [
    async ({ browser }, use, { project }) => {
      const { baseURL = '' } = project.use;
      const context = await browser.newContext({ baseURL });
      const page = await context.newPage();
      await openBarePage(page);
      await use(page);
      await context.close();
    },
    { scope: 'worker', timeout: 180_000 },
  ],
});

/** Opens the page and ends its own network, which is in the way on a machine with few cores. */
export async function openBarePage(page: Page): Promise<void> {
  await page.goto('./?nodes=1&pace=classroom');
  await page.waitForFunction(exposeNetwork, null, { timeout: 120_000 });
  await page.evaluate(() => window.networkUnderTest?.close());
  await page.exposeFunction('deliverBatch', (listener: number, batch: TelemetryBatch) => {
    listeners.get(listener)?.(batch);
  });
}

/**
 * A network that a bare page starts through its public `createNetwork`, as an object in this process.
 * Each call crosses to the page and back; nothing is answered from here but what never changes.
 */
export async function createPageNetwork(page: Page, spec: NetworkSpec): Promise<ContractNetwork> {
  const handle = await page.evaluateHandle(async (wanted) => {
    const { subnetarium } = window;
    if (subnetarium === undefined) {
      throw new ReferenceError('the page has no network');
    }
    return subnetarium.createNetwork(wanted);
  }, spec);
  const fixed = await handle.evaluate((network) => ({
    spec: network.spec,
    rootKey: network.rootKey(),
  }));
  let topology = await handle.evaluate((network) => network.topology());
  const telemetry = eventsThrough(handle);
  return {
    spec: fixed.spec,
    fetch: fetchThrough(handle),
    rootKey: () => fixed.rootKey,
    topology: () => topology,
    events: telemetry.events,
    ...portsThrough(handle),
    // The page's answers at once come here a moment later, which the contract allows.
    registry: {
      ...registryThrough(handle),
      addSubnet: async (wanted) => {
        const added = await handle.evaluate(
          (network, subnet) => network.registry.addSubnet(subnet),
          wanted,
        );
        topology = await handle.evaluate((network) => network.topology());
        return added;
      },
    },
    // An identity stays in its process: in the page the caller is anonymous.
    forkCanister: (canisterId) =>
      handle.evaluate((network, id) => network.forkCanister(id), canisterId),
    snapshot: (): Promise<NetworkSnapshot> => handle.evaluate((network) => network.snapshot()),
    close: async () => {
      await telemetry.settled();
      await handle.evaluate((network) => network.close());
    },
  };
}

type Port = 'faults' | 'clock' | 'inspect';

function portsThrough(handle: JSHandle<Network>): Pick<ContractNetwork, Port> {
  return {
    faults: portThrough(handle, 'faults'),
    clock: portThrough(handle, 'clock'),
    inspect: portThrough(handle, 'inspect'),
  };
}

function registryThrough(
  handle: JSHandle<Network>,
): Omit<ContractNetwork['registry'], 'addSubnet'> {
  return {
    version: (id) => handle.evaluate((network, subnet) => network.registry.version(subnet), id),
    record: (id) => handle.evaluate((network, subnet) => network.registry.record(subnet), id),
    update: (change, id) =>
      handle.evaluate((network, [wanted, subnet]) => network.registry.update(wanted, subnet), [
        change,
        id,
      ] as const),
  };
}

/** Any method of that port, called in the page with the same arguments. */
function portThrough<K extends Port>(handle: JSHandle<Network>, port: K): Network[K] {
  const call =
    (method: string) =>
    (...args: readonly unknown[]): Promise<unknown> =>
      handle.evaluate(
        (network, [name, called, values]) => {
          const methods = network[name] as unknown as Record<
            string,
            (...all: readonly unknown[]) => unknown
          >;
          return methods[called]?.(...values);
        },
        [port, method, args] as const,
      );
  return new Proxy({} as Network[K], {
    get: (_target, method) => (typeof method === 'string' ? call(method) : undefined),
  });
}

interface TelemetryThrough {
  readonly events: ContractNetwork['events'];
  /** Subscriptions and their ends are on their way to the page; waits until they are there. */
  settled(): Promise<unknown>;
}

/** Of all networks that this process made, by their numbers; one that was ended stays, so that a batch too many is seen. */
const listeners = new Map<number, Listener>();
let nextListener = 0;

function eventsThrough(handle: JSHandle<Network>): TelemetryThrough {
  let last: Promise<unknown> = Promise.resolve();
  const subscribe = (listener: Listener): (() => void) => {
    nextListener += 1;
    const number = nextListener;
    listeners.set(number, listener);
    const inOrder = (act: () => Promise<unknown>): void => {
      last = last.then(act);
    };
    inOrder(() =>
      handle.evaluate((network, own) => {
        window.subscriptions ??= new Map();
        const stop = network.events.subscribe((batch) => void window.deliverBatch?.(own, batch));
        window.subscriptions.set(own, stop);
      }, number),
    );
    return () =>
      inOrder(() => handle.evaluate((_network, own) => window.subscriptions?.get(own)?.(), number));
  };
  return { events: { subscribe }, settled: () => last };
}
