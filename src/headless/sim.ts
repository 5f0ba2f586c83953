import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import type { HuntPlan, Profile } from '../sim/hunt/plan.ts';
import { drawPlan, PROFILES } from '../sim/hunt/plan.ts';
import { runPlan } from '../sim/hunt/run-plan.ts';
import { failureOf, shrink } from '../sim/hunt/shrink.ts';
import { parseArguments } from './arguments.ts';

const USAGE = `npm run sim -- [options]
Hunts for broken rules: seeded simulations of a subnet under faults and attacks, with checkers on every step.
  --seeds N        runs (default 100)
  --from S         first seed (default 1)
  --n N            nodes of a subnet, 1 to 40 (default 4); xnet: of the larger of two or three subnets
  --profile P      calm, weather, chaos, byzantine or xnet (default: one after the other)
  --json           print one JSON line at the end: {seeds, violations, stalls, failing}
  --no-shrink      do not look for a smaller plan that fails alike
  --replay FILE    run the plan in a JSON file once, as tests/sim/regressions holds them
  --pin DIR        write the plan of each failing seed there
  --help
A failing seed is repeated exactly by --seeds 1 --from <seed> with the same --n and --profile.`;

interface Failing {
  readonly seed: string;
  readonly profile: Profile;
  readonly n: number;
  readonly failure: string;
  readonly message: string;
  readonly traceHash: string;
  /** The smallest plan found that fails alike. */
  readonly plan: HuntPlan;
}

async function judge(plan: HuntPlan, withShrinking: boolean): Promise<Failing | null> {
  const outcome = await runPlan(plan);
  const failure = failureOf(outcome);
  if (failure === null) {
    return null;
  }
  const { seed, profile, nodes, subnets } = plan;
  const { violation, stall, traceHash } = outcome;
  const message =
    violation === null ? (stall ?? '') : `${violation.message} (${violation.atMs} ms)`;
  return {
    seed,
    profile,
    // The root's nodes are as many as a subnet's.
    n: subnets?.[0]?.nodes ?? nodes,
    failure,
    message,
    traceHash,
    plan: withShrinking ? await shrink(plan, failure) : plan,
  };
}

async function hunt(plans: readonly HuntPlan[], options: HuntOptions): Promise<number> {
  const failing: Failing[] = [];
  for (const plan of plans) {
    const found = await judge(plan, options.shrinks);
    if (found !== null) {
      failing.push(found);
      process.stderr.write(
        `seed ${found.seed} (${found.profile}): ${found.failure}: ${found.message}\n`,
      );
      process.stderr.write(`  ${JSON.stringify(found.plan)}\n`);
      if (options.pin !== undefined) {
        const name = `${found.profile}-${found.n}-${found.seed}-${found.failure}.json`;
        writeFileSync(`${options.pin}/${name}`, `${JSON.stringify(found.plan, null, 2)}\n`);
      }
    }
  }
  const stalls = failing.filter(({ failure }) => failure === 'stall').length;
  const totals = { seeds: plans.length, violations: failing.length - stalls, stalls };
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ ...totals, failing })}\n`
      : `${totals.seeds} runs: ${totals.violations} violations, ${stalls} stalls\n`,
  );
  return failing.length === 0 ? 0 : 1;
}

interface HuntOptions {
  readonly json: boolean;
  readonly shrinks: boolean;
  readonly pin: string | undefined;
}

function profileOf(text: string | undefined, seed: number): Profile | undefined {
  return text === undefined
    ? PROFILES[seed % PROFILES.length]
    : PROFILES.find((profile) => profile === text);
}

/** Undefined when the file cannot be read or is not what `--pin` writes. */
function readPlan(file: string): HuntPlan | undefined {
  try {
    const plan = JSON.parse(readFileSync(file, 'utf8')) as Partial<HuntPlan> | null;
    return plan?.version === 1 && Array.isArray(plan.faults) ? (plan as HuntPlan) : undefined;
  } catch {
    return undefined;
  }
}

async function run(): Promise<number> {
  const parsed = parseArguments(process.argv.slice(2), {
    seeds: 'natural',
    from: 'natural',
    n: 'natural',
    profile: 'text',
    json: 'flag',
    'no-shrink': 'flag',
    replay: 'text',
    pin: 'text',
    help: 'flag',
  });
  if (!parsed.ok) {
    process.stderr.write(`${parsed.message}\n${USAGE}\n`);
    return 2;
  }
  const { seeds = 100, from = 1, n = 4, profile, replay, pin, json, help } = parsed.options;
  if (help === true) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const options = { json: json === true, shrinks: parsed.options['no-shrink'] !== true, pin };
  if (replay !== undefined) {
    const plan = readPlan(replay);
    if (plan === undefined) {
      process.stderr.write(`${replay} holds no plan of the hunter\n`);
      return 2;
    }
    return hunt([plan], { ...options, shrinks: false });
  }
  if (n < 1 || n > 40 || seeds < 1 || profileOf(profile, 0) === undefined) {
    process.stderr.write(
      `--n is 1 to 40, --seeds at least 1, --profile one of ${PROFILES.join(', ')}\n`,
    );
    return 2;
  }
  const plans = Array.from({ length: seeds }, (_, i) =>
    drawPlan(String(from + i), profileOf(profile, from + i) ?? 'calm', n),
  );
  return hunt(plans, options);
}

process.exitCode = await run();
