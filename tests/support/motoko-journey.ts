/** A walk through the actors of `canisters/motoko`, the same on every host. */

export type JourneyModule = 'keeper' | 'newKeeper' | 'wrongKeeper' | 'worker';

/** Where actors run. Answers are text; an error comes back as its text. */
export interface JourneyHost {
  /** @param told a canister that the actor is told of, if it takes one */
  deploy(wasm: Uint8Array, told: string | null): Promise<string>;
  /** "upgraded", or the error. */
  upgrade(canisterId: string, wasm: Uint8Array): Promise<string>;
  /** Calls `name() : async Text`. */
  text(canisterId: string, name: string): Promise<string>;
  /** The same as a query. */
  ask(canisterId: string, name: string): Promise<string>;
}

/** Answers: text is the whole answer, a pattern only its telling part (it may name canisters). */
type Expected = string | RegExp;
type Step =
  | readonly ['call' | 'ask', method: string, Expected]
  | readonly ['upgrade', JourneyModule, Expected];

const KEEPER: readonly Step[] = [
  ['call', 'state', '(0, 0, null, (0, 0, 0), 0, [], 0, 0)'],
  ['call', 'add', '1'],
  ['call', 'add', '2'],
  ['call', 'add', '3'],
  ['call', 'state', '(3, 3, ?"note 2", (3, 0, 3), 7, [202, 254], 0, 3)'],
  ['call', 'refuse', 'refuses'],
  ['upgrade', 'keeper', /IC0503|not now/g],
  ['call', 'state', '(3, 3, ?"note 2", (3, 0, 3), 7, [202, 254], 0, 3)'],
  ['call', 'allow', 'allows'],
  ['upgrade', 'keeper', 'upgraded'],
  ['call', 'state', '(3, 3, ?"note 2", (3, 0, 3), 7, [202, 254], 1, 0)'],
  ['upgrade', 'newKeeper', 'upgraded'],
  ['call', 'add', '+4'],
  ['call', 'state', '(+4, 4, ?"note 2", (4, 0, 4), 7, [202, 254], 2, 1, "new")'],
  ['upgrade', 'wrongKeeper', /IC0503/g],
  ['call', 'state', '(+4, 4, ?"note 2", (4, 0, 4), 7, [202, 254], 2, 1, "new")'],
];

const WORKER: readonly Step[] = [
  ['call', 'tree', '(21, 2)'],
  ['call', 'caught', /IC0503|leaf 5/g],
  ['call', 'facts', '{kept = 0; leaves = 0; locked = false; lost = 0}'],
  ['call', 'trapAfterAwait', /IC0503|after the await/g],
  ['call', 'facts', '{kept = 1; leaves = 0; locked = false; lost = 0}'],
  ['call', 'star', '8'],
  ['call', 'pay', '(2_000_000_000, 6_000_000_000)'],
  ['call', 'overspend', /IC05\d\d/g],
  ['call', 'hurry', '3'],
  ['ask', 'gather', '(9, 99)'],
  ['call', 'facts', '{kept = 1; leaves = 0; locked = false; lost = 0}'],
  ['call', 'gather', /IC05\d\d/g],
  ['call', 'certify', 'set'],
  ['call', 'hasCertificate', 'false'],
];

export interface JourneyLine {
  readonly step: string;
  readonly expected: string;
  readonly answer: string;
  readonly holds: boolean;
}

/** Sources of the modules; `keeper` and `worker` are the files. */
export function journeySources(
  keeper: string,
  worker: string,
): Readonly<Record<JourneyModule, string>> {
  const replaced = (text: string, from: string, to: string): string => {
    if (!text.includes(from)) {
      throw new RangeError(`the actor has no ${from}`);
    }
    return text.replace(from, to);
  };
  // A wider type and one more variable, as an upgrade may bring; then a type that fits no longer.
  const counted = (type: string, start: string): string =>
    replaced(keeper, 'var count : Nat = 0;', `var count : ${type} = ${start};`);
  let wider = counted('Int', '0');
  wider = replaced(wider, 'var upgrades', 'var motto = "new";\n  var upgrades');
  wider = replaced(wider, 'callsOfThisCode,\n', 'callsOfThisCode, motto,\n');
  wider = wider.replaceAll('Nat.toText(count)', 'debug_show count');
  wider = wider.replaceAll('notes, Nat.compare, count', 'notes, Nat.compare, Int.abs(count)');
  wider = wider.replace('Nat64.fromNat(count)', 'Nat64.fromNat(Int.abs(count))');
  wider = replaced(wider, 'import Map', 'import Int "mo:core/Int";\nimport Map');
  const wrong =
    'persistent actor { var count : Text = "three"; public func state() : async Text { count } }';
  return { keeper, newKeeper: wider, wrongKeeper: wrong, worker };
}

function compare(answer: string, expected: Expected): Pick<JourneyLine, 'answer' | 'holds'> {
  if (typeof expected === 'string') {
    return { answer, holds: answer === expected };
  }
  // Clients wrap an error in texts of their own, in an order of their own.
  const told = answer.match(expected)?.toSorted((a, b) => (a < b ? -1 : 1));
  return { answer: told?.join(' ') ?? answer, holds: told !== undefined };
}

/** Walks through all actors; each line says what was asked, what should come back, and what did. */
export async function walkJourney(
  host: JourneyHost,
  modules: Readonly<Record<JourneyModule, Uint8Array>>,
): Promise<readonly JourneyLine[]> {
  const lines: JourneyLine[] = [];
  const walk = async (canisterId: string, steps: readonly Step[]): Promise<void> => {
    for (const [kind, name, expected] of steps) {
      const answer =
        kind === 'upgrade'
          ? await host.upgrade(canisterId, modules[name])
          : await (kind === 'call' ? host.text(canisterId, name) : host.ask(canisterId, name));
      lines.push({
        step: `${lines.length}: ${kind} ${name}`,
        expected: String(expected),
        ...compare(answer, expected),
      });
    }
  };
  await walk(await host.deploy(modules.keeper, null), KEEPER);
  const peer = await host.deploy(modules.worker, 'aaaaa-aa');
  await walk(await host.deploy(modules.worker, peer), WORKER);
  return lines;
}
