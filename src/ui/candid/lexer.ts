export interface Token {
  readonly kind: 'word' | 'number' | 'text' | 'symbol' | 'end';
  readonly value: string;
  readonly line: number;
}

const TOKEN =
  /(\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)|([A-Za-z_][A-Za-z0-9_]*)|([0-9][0-9_]*)|"((?:[^"\\]|\\[^])*)"|(->|[{}():;,=])/uy;

/**
 * Splits Candid text into tokens; the line of the first character that is none of them on failure.
 */
export function tokenize(source: string): readonly Token[] | { readonly badLine: number } {
  const tokens: Token[] = [];
  let line = 1;
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < source.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(source);
    if (match === null) {
      return { badLine: line };
    }
    const [all, space, word, number, text, symbol] = match;
    if (word !== undefined) {
      tokens.push({ kind: 'word', value: word, line });
    } else if (number !== undefined) {
      tokens.push({ kind: 'number', value: number.replaceAll('_', ''), line });
    } else if (text !== undefined) {
      tokens.push({ kind: 'text', value: unescape(text), line });
    } else if (symbol !== undefined) {
      tokens.push({ kind: 'symbol', value: symbol, line });
    }
    line += (space ?? text ?? '').split('\n').length - 1;
    at += all.length;
  }
  tokens.push({ kind: 'end', value: 'end of text', line });
  return tokens;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function unescape(text: string): string {
  return text.replaceAll(/\\(u\{([0-9a-fA-F]+)\}|[^])/gu, (_, escape: string, point?: string) => {
    const code = point === undefined ? Number.NaN : Number.parseInt(point, 16);
    return code <= 0x10_ffff ? String.fromCodePoint(code) : (ESCAPES[escape] ?? escape);
  });
}
