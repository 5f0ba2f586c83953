import process from 'node:process';
import { faultsOfTrial, runTrial } from '../sim/scenario.ts';
import { parseArguments } from './arguments.ts';

const USAGE = `npm run sim -- [options]
Runs seeded trials of a subnet under faults and checks that it is safe, live and recovers.
  --seeds N   trials (default 200)
  --from S    first seed (default 1)
  --n N       nodes of the subnet (default 4)
  --faulty F  faulty nodes; default: even seeds as many as tolerated, odd seeds one more
  --json      print one JSON line at the end: {seeds, violations, stalls, failing}
  --help
A failing seed is repeated exactly by --seeds 1 --from <seed>.`;

interface Totals {
  violations: number;
  stalls: number;
  readonly failing: number[];
}

function run(): number {
  const parsed = parseArguments(process.argv.slice(2), {
    seeds: 'natural',
    from: 'natural',
    n: 'natural',
    faulty: 'natural',
    json: 'flag',
    help: 'flag',
  });
  if (!parsed.ok) {
    process.stderr.write(`${parsed.message}\n${USAGE}\n`);
    return 2;
  }
  const { seeds = 200, from = 1, n = 4, faulty, json, help } = parsed.options;
  if (help === true) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  if (n < 1 || n > 40 || seeds < 1 || (faulty ?? 0) > n) {
    process.stderr.write(`--n is 1 to 40, --seeds at least 1, --faulty at most n\n${USAGE}\n`);
    return 2;
  }
  const tolerated = Math.floor((n - 1) / 3);
  const totals: Totals = { violations: 0, stalls: 0, failing: [] };
  for (let seed = from; seed < from + seeds; seed += 1) {
    const outcome = runTrial({
      seed: String(seed),
      nodes: n,
      faulty: faulty ?? tolerated + (seed % 2),
    });
    const faults = faultsOfTrial(outcome);
    totals.violations += outcome.violations.length;
    if (faults.length > 0) {
      totals.failing.push(seed);
      totals.stalls += faults.length > outcome.violations.length ? 1 : 0;
      process.stderr.write(`seed ${seed}: ${faults.join('; ')}\n`);
    }
  }
  const { violations, stalls, failing } = totals;
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ seeds, violations, stalls, failing })}\n`
      : `${seeds} trials of ${n} nodes: ${violations} violations, ${stalls} stalls, ${failing.length} failing\n`,
  );
  return failing.length === 0 ? 0 : 1;
}

process.exitCode = run();
