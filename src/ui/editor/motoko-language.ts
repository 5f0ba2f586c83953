import type { languages } from 'monaco-editor/editor';

export const MOTOKO = 'motoko';

const DECLARATIONS = [
  'actor', 'class', 'composite', 'flexible', 'func', 'import', 'include', 'let', 'mixin', 'module', 'object',
  'persistent', 'private', 'public', 'query', 'shared', 'stable', 'system', 'transient', 'type', 'var',
];
const CONTROL = [
  'and', 'assert', 'async', 'async*', 'await', 'await*', 'await?', 'break', 'case', 'catch', 'continue',
  'debug', 'debug_show', 'do', 'else', 'finally', 'for', 'from_candid', 'if', 'ignore', 'implicit', 'in',
  'label', 'loop', 'not', 'or', 'return', 'switch', 'throw', 'to_candid', 'try', 'while', 'with',
];
const TYPES = [
  'Any', 'Blob', 'Bool', 'Char', 'Error', 'Float', 'Int', 'Int8', 'Int16', 'Int32', 'Int64', 'Nat', 'Nat8',
  'Nat16', 'Nat32', 'Nat64', 'None', 'Null', 'Principal', 'Region', 'Text',
];

export const motokoConfiguration: languages.LanguageConfiguration = {
  comments: { lineComment: '//', blockComment: ['/*', '*/'] },
  brackets: [
    ['{', '}'],
    ['[', ']'],
    ['(', ')'],
  ],
  autoClosingPairs: [
    { open: '{', close: '}' },
    { open: '[', close: ']' },
    { open: '(', close: ')' },
    { open: '"', close: '"', notIn: ['string', 'comment'] },
  ],
  indentationRules: {
    increaseIndentPattern: /[{[(]\s*$/u,
    decreaseIndentPattern: /^\s*[}\])]/u,
  },
};

/** Colours of Motoko source; nested block comments and `#variants` included. */
export const motokoTokens: languages.IMonarchLanguage = {
  declarations: DECLARATIONS,
  control: CONTROL,
  types: TYPES,
  constants: ['true', 'false', 'null', 'this'],
  tokenizer: {
    root: [
      [/\/\*/u, 'comment', '@comment'],
      [/\/\/.*$/u, 'comment'],
      [/"/u, 'string', '@text'],
      [/'(?:\\.|[^'\\])+'/u, 'string'],
      [/#(?=[A-Za-z_])\w+/u, 'tag'],
      [/\b0x[\da-fA-F_]+\b/u, 'number'],
      [/\b\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d+)?/u, 'number'],
      [
        /[A-Za-z_]\w*/u,
        {
          cases: {
            '@declarations': 'keyword',
            '@control': 'keyword.control',
            '@types': 'type',
            '@constants': 'constant',
            '[A-Z].*': 'type.identifier',
            '@default': 'identifier',
          },
        },
      ],
      [/[{}()[\]]/u, '@brackets'],
      [/[+\-*/%=<>!&|^~#:?.,;@]+/u, 'operator'],
    ],
    comment: [
      [/[^/*]+/u, 'comment'],
      [/\/\*/u, 'comment', '@push'],
      [/\*\//u, 'comment', '@pop'],
      [/[/*]/u, 'comment'],
    ],
    text: [
      [/[^\\"]+/u, 'string'],
      [/\\(?:u\{[\da-fA-F]+\}|.)/u, 'string.escape'],
      [/"/u, 'string', '@pop'],
    ],
  },
};
