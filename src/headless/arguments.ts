/** Reads `--name value` and `--flag` arguments; a message for the user when they are wrong. */
export interface OptionShape {
  readonly [name: string]: 'flag' | 'text' | 'natural';
}

export type OptionValues<S extends OptionShape> = {
  readonly [K in keyof S]?: S[K] extends 'flag' ? true : S[K] extends 'natural' ? number : string;
};

export type ParsedArguments<S extends OptionShape> =
  | { readonly ok: true; readonly options: OptionValues<S> }
  | { readonly ok: false; readonly message: string };

function parseNatural(text: string): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

export function parseArguments<S extends OptionShape>(
  args: readonly string[],
  shape: S,
): ParsedArguments<S> {
  const options: Record<string, string | number | true> = {};
  for (let i = 0; i < args.length; i += 1) {
    const name = (args[i] as string).replace(/^--/, '');
    const kind = args[i]?.startsWith('--') === true ? shape[name] : undefined;
    if (kind === undefined) {
      return { ok: false, message: `unknown option ${args[i]}` };
    }
    if (kind === 'flag') {
      options[name] = true;
      continue;
    }
    i += 1;
    const value = args[i];
    const parsed = value === undefined || kind === 'text' ? value : parseNatural(value);
    if (parsed === undefined) {
      const wanted = kind === 'natural' ? 'a natural number' : 'a value';
      return { ok: false, message: `--${name} needs ${wanted}` };
    }
    options[name] = parsed;
  }
  return { ok: true, options: options as OptionValues<S> };
}
