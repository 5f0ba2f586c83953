import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One exported constant of `src/protocol/limits`, as its source and its comment state it. */
export interface Limit {
  readonly file: string;
  readonly name: string;
  /** With its unit; "by rule" for a function. */
  readonly here: string;
  readonly mainnet: string;
  readonly meaning: string;
  readonly source: string;
}

const FOLDER = 'src/protocol/limits';
/** Limits that stand beside what they bound. */
const OTHERS = [['wasm.ts', 'src/protocol/execution/wasm/limits.ts']] as const;
const EXPORT =
  /(?:\/\*\*(?<doc>(?:[^*]|\*(?!\/))*)\*\/\n)?export (?<kind>const|function) (?<name>\w+)/g;
const FIELD =
  /(?:\/\*\*(?<doc>(?:[^*]|\*(?!\/))*)\*\/\s+)?readonly (?<name>\w+): (?:Instructions|number|bigint)/g;
/** Units of measure, not limits. */
const CONVERSIONS: ReadonlySet<string> = new Set(['NS_PER_MS', 'NS_PER_SECOND', 'GIB']);

/** Every limit of the core, in the order of the sources. */
export async function readLimits(): Promise<readonly Limit[]> {
  const files = readdirSync(FOLDER)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .toSorted()
    .map((file) => [file, join(FOLDER, file)] as const);
  const limits: Limit[] = [];
  for (const [file, relative] of [...files, ...OTHERS]) {
    const path = join(process.cwd(), relative);
    const values = (await import(path)) as Readonly<Record<string, unknown>>;
    limits.push(...limitsOf(file, readFileSync(path, 'utf8'), values));
  }
  return limits;
}

function limitsOf(
  file: string,
  source: string,
  values: Readonly<Record<string, unknown>>,
): readonly Limit[] {
  const fields = new Map(
    [...source.matchAll(FIELD)].map(({ groups }) => [groups?.['name'], plain(groups?.['doc'])]),
  );
  return [...source.matchAll(EXPORT)].flatMap(({ groups }): readonly Limit[] => {
    const { name = '', doc = '' } = groups ?? {};
    const value = values[name];
    const facts = { file, ...readTags(doc) };
    if (CONVERSIONS.has(name)) {
      return [];
    }
    if (name.startsWith('MAINNET_')) {
      // The other half of a pair: shown beside what is in force here.
      return [];
    }
    if (name.startsWith('CLASSROOM_')) {
      const mainnet = values[name.replace('CLASSROOM', 'MAINNET')] as Readonly<
        Record<string, bigint>
      >;
      return Object.entries(value as object).map(([field, one]) => ({
        ...facts,
        name: `${name}.${field}`,
        here: withUnit(field, one),
        mainnet: withUnit(field, mainnet[field]),
        meaning: fields.get(field) ?? '',
        source: `ours: ${facts.mainnet}`,
      }));
    }
    return [{ ...facts, name, here: withUnit(name, value) }];
  });
}

function plain(doc: string | undefined): string {
  return (doc ?? '').replaceAll(/\s*\n\s*\*?\s*/g, ' ').trim();
}

function readTags(doc: string): Pick<Limit, 'meaning' | 'source' | 'mainnet'> {
  const [meaning = '', ...tags] = plain(doc).split(/@(?=upstream|playground)/);
  const tagged = (tag: string): string | undefined =>
    tags
      .find((text) => text.startsWith(tag))
      ?.slice(tag.length)
      .trim();
  const upstream = tagged('upstream');
  const playground = tagged('playground');
  return {
    meaning: meaning.trim(),
    source: upstream ?? (playground === undefined ? '–' : 'ours'),
    mainnet: playground ?? (upstream === undefined ? '–' : 'the same'),
  };
}

const KIB = 1024n;
const SCALES: readonly (readonly [
  suffix: RegExp,
  units: readonly (readonly [string, bigint])[],
])[] = [
  [
    /(_BYTES|_BYTES_\w+|Bytes)$/,
    [
      ['GiB', KIB ** 3n],
      ['MiB', KIB ** 2n],
      ['KiB', KIB],
      ['bytes', 1n],
    ],
  ],
  [
    /_NS$/,
    [
      ['min', 60_000_000_000n],
      ['s', 1_000_000_000n],
      ['ms', 1_000_000n],
      ['ns', 1n],
    ],
  ],
  [
    /_MS$/,
    [
      ['s', 1_000n],
      ['ms', 1n],
    ],
  ],
  [
    /_SECONDS$/,
    [
      ['days', 86_400n],
      ['s', 1n],
    ],
  ],
  [
    /(_FEE|_CYCLES|_CYCLES_LIMIT|_SECOND)$/,
    [
      ['T cycles', 10n ** 12n],
      ['B cycles', 10n ** 9n],
      ['M cycles', 10n ** 6n],
      ['cycles', 1n],
    ],
  ],
  [
    /[iI]nstructions(PerRound)?$|INSTRUCTION/,
    [
      ['B instructions', 10n ** 9n],
      ['M instructions', 10n ** 6n],
      ['instructions', 1n],
    ],
  ],
  [/_HEIGHTS$|_GAP$/, [['heights', 1n]]],
  [/_UNITS$/, [['unit delays', 1n]]],
  [/_PERCENT$/, [['%', 1n]]],
];

/** The largest unit in which the value is a whole number, or has one decimal at most. */
function withUnit(name: string, value: unknown): string {
  if (typeof value === 'function') {
    return 'by rule';
  }
  if (typeof value === 'object' && value !== null) {
    return Object.values(value).map(String).join('/');
  }
  const exact = BigInt(value as number | bigint);
  const units = SCALES.find(([suffix]) => suffix.test(name))?.[1] ?? [];
  for (const [unit, size] of units) {
    if (exact >= size && (exact * 10n) % size === 0n) {
      const tenths = (exact * 10n) / size;
      const decimal = tenths % 10n === 0n ? '' : `.${tenths % 10n}`;
      const one = tenths === 10n && unit.endsWith('s') && unit.length > 1;
      return `${grouped(tenths / 10n)}${decimal} ${one ? unit.slice(0, -1) : unit}`;
    }
  }
  return grouped(exact);
}

function grouped(value: bigint): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
