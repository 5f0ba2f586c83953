import process from 'node:process';
import { createSimNetwork } from '../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../src/wire/network-spec.ts';

/**
 * How fast the simulator is: virtual seconds per second of wall time at pace `mainnet`, with the
 * insecure test crypto and links of 20 ms.
 * Usage: npm run bench -- sim [--json] [--n 4] [--seconds 600]
 */
function optionOf(name: string, fallback: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}

const WARM_UP_MS = 200_000;
const n = optionOf('n', 4);
const virtualSeconds = optionOf('seconds', 600);
const spec = defaultNetworkSpec({ nodes: n, pace: 'mainnet', seed: 'bench' });
const network = createSimNetwork(
  { ...spec, links: { ...spec.links, delayMs: 20, jitterMs: 5 } },
  { crypto: 'insecure-test-crypto', traceHash: false },
);
// The engine compiles the hot paths first; on two cores its compiler takes part in the time.
network.runFor(WARM_UP_MS);
const startedMs = performance.now();
const cpuBefore = process.cpuUsage();
network.runFor(virtualSeconds * 1000);
const realSeconds = (performance.now() - startedMs) / 1000;
const { user, system } = process.cpuUsage(cpuBefore);
const cpuSeconds = (user + system) / 1e6;
if (network.violations.length > 0) {
  throw new Error(`the run broke a rule: ${network.violations[0]?.message ?? ''}`);
}
const result = {
  n,
  virtualPerReal: Math.round((virtualSeconds / realSeconds) * 10) / 10,
  /** The same per second of processor time: comparable on a loaded machine. */
  virtualPerCpu: Math.round((virtualSeconds / cpuSeconds) * 10) / 10,
  finalizedHeight: network.finalizedHeight(),
};
process.stdout.write(
  process.argv.includes('--json')
    ? `${JSON.stringify(result)}\n`
    : `${n} nodes: ${result.virtualPerReal} virtual seconds per second, height ${result.finalizedHeight}\n`,
);
