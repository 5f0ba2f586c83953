import type { Script } from './commands.ts';
import type { Host } from './hosts.ts';
import type { Failure, ScriptReport } from './run-script.ts';

/** What several hosts say of the same test files. */
export interface Comparison {
  readonly files: number;
  readonly byHost: Readonly<Record<string, HostTotals>>;
  /** Of single hosts, and modules on which two hosts differ. */
  readonly failures: readonly (Failure & { readonly host: string })[];
  /** Modules whose results, instruction counts and memories were compared between the first host and another. */
  readonly modulesCompared: number;
}

interface HostTotals {
  readonly passed: number;
  readonly failed: number;
  readonly notApplicable: Readonly<Record<string, number>>;
}

interface Totals {
  passed: number;
  failed: number;
  notApplicable: Record<string, number>;
}

/** Gathers reports file by file. */
export class HostComparison {
  readonly #hosts: readonly Host[];
  readonly #totals: readonly Totals[];
  readonly #failures: (Failure & { host: string })[] = [];
  #files = 0;
  #modulesCompared = 0;

  /** @param hosts the first is the measure of the others */
  constructor(hosts: readonly Host[]) {
    this.#hosts = hosts;
    this.#totals = hosts.map(() => ({ passed: 0, failed: 0, notApplicable: {} }));
  }

  /** Runs a file on every host; answers the failures that it brought. */
  async run(script: Script): Promise<Comparison['failures']> {
    const before = this.#failures.length;
    const reports = await Promise.all(this.#hosts.map((host) => host.run(script)));
    this.#files += 1;
    reports.forEach((report, i) => {
      this.#add(i, report);
      const first = reports[0];
      if (i > 0 && first !== undefined) {
        this.#compare(i, first, report);
      }
    });
    return this.#failures.slice(before);
  }

  #add(index: number, { passed, failures, notApplicable }: ScriptReport): void {
    const totals = this.#totals[index] as Totals;
    const host = (this.#hosts[index] as Host).name;
    totals.passed += passed;
    totals.failed += failures.length;
    for (const [reason, count] of Object.entries(notApplicable)) {
      totals.notApplicable[reason] = (totals.notApplicable[reason] ?? 0) + count;
    }
    this.#failures.push(...failures.map((failure) => ({ ...failure, host })));
  }

  #compare(index: number, first: ScriptReport, other: ScriptReport): void {
    const host = (this.#hosts[index] as Host).name;
    first.hashes.forEach((hash, ordinal) => {
      const others = other.hashes[ordinal] ?? null;
      if (hash === null || others === null) {
        return;
      }
      this.#modulesCompared += 1;
      if (hash !== others) {
        this.#failures.push({
          host,
          file: first.file,
          line: 0,
          what: `module ${ordinal} has other results, counts or memory than in ${this.#hosts[0]?.name}`,
        });
      }
    });
  }

  result(): Comparison {
    return {
      files: this.#files,
      byHost: Object.fromEntries(
        this.#hosts.map(({ name }, i): [string, HostTotals] => [name, this.#totals[i] as Totals]),
      ),
      failures: this.#failures,
      modulesCompared: this.#modulesCompared,
    };
  }
}

/** Whether nothing failed, everything ran everywhere, and there was something to compare. */
export function isClean({ failures, byHost, modulesCompared }: Comparison): boolean {
  const totals = Object.values(byHost);
  return (
    failures.length === 0 &&
    totals.every(({ passed }) => passed > 0) &&
    (totals.length < 2 || modulesCompared > 0)
  );
}
