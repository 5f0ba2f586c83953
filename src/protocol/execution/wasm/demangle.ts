/**
 * Rust's older form of mangled symbol names, as the replica shows them in backtraces: without the hash.
 * Names of other forms stay as they are. @upstream crate rustc-demangle, legacy scheme
 */

const PREFIXES = ['__ZN', '_ZN', 'ZN'] as const;
const HASH = /^h[0-9a-fA-F]*$/;
const LLVM_SUFFIX = /\.llvm\.[0-9A-F@]*$/;
const SYMBOL_LIKE = /^\.[!-~]*$/;
const ESCAPES: Readonly<Record<string, string>> = {
  SP: '@',
  BP: '*',
  RF: '&',
  LT: '<',
  GT: '>',
  LP: '(',
  RP: ')',
  C: ',',
};

/** The name of an escape such as `$LT$` or `$u20$`; undefined where there is none. */
function unescaped(escape: string): string | undefined {
  const known = ESCAPES[escape];
  if (known !== undefined) {
    return known;
  }
  if (!/^u[0-9a-f]{1,6}$/.test(escape)) {
    return undefined;
  }
  const code = Number.parseInt(escape.slice(1), 16);
  const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const isScalar = code <= 0x10_ff_ff && (code < 0xd8_00 || code > 0xdf_ff);
  return isControl || !isScalar ? undefined : String.fromCodePoint(code);
}

function elementText(element: string): string {
  let rest = element.startsWith('_$') ? element.slice(1) : element;
  let text = '';
  while (rest !== '') {
    if (rest.startsWith('..')) {
      text += '::';
      rest = rest.slice(2);
    } else if (rest.startsWith('.')) {
      text += '.';
      rest = rest.slice(1);
    } else if (rest.startsWith('$')) {
      const end = rest.indexOf('$', 1);
      const shown = end < 0 ? undefined : unescaped(rest.slice(1, end));
      if (shown === undefined) {
        break;
      }
      text += shown;
      rest = rest.slice(end + 1);
    } else {
      const special = rest.search(/[.$]/);
      if (special < 0) {
        break;
      }
      text += rest.slice(0, special);
      rest = rest.slice(special);
    }
  }
  return text + rest;
}

interface Path {
  readonly elements: readonly string[];
  /** What follows the mangled name. */
  readonly suffix: string;
}

/** The parts of `<length><part>… E`; undefined when the text is of another form. */
function parsePath(text: string): Path | undefined {
  const elements: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === 'E') {
      return { elements, suffix: text.slice(at + 1) };
    }
    const digits = /^\d{1,6}/.exec(text.slice(at, at + 6))?.[0];
    if (digits === undefined) {
      return undefined;
    }
    const start = at + digits.length;
    at = start + Number(digits);
    if (at > text.length) {
      return undefined;
    }
    elements.push(text.slice(start, at));
  }
}

/** A function's name as its author knows it. */
export function demangle(symbol: string): string {
  const name = symbol.replace(LLVM_SUFFIX, '');
  const prefix = PREFIXES.find((opening) => name.startsWith(opening));
  if (prefix === undefined || !/^[\0-\x7f]*$/.test(name)) {
    return symbol;
  }
  const path = parsePath(name.slice(prefix.length));
  if (path === undefined || (path.suffix !== '' && !SYMBOL_LIKE.test(path.suffix))) {
    return symbol;
  }
  const { elements, suffix } = path;
  const last = elements.at(-1) ?? '';
  const shown = elements.length > 0 && HASH.test(last) ? elements.slice(0, -1) : elements;
  return shown.map(elementText).join('::') + suffix;
}
