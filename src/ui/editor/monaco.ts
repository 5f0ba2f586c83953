import { editor, languages, MarkerSeverity } from 'monaco-editor/editor';
import 'monaco-editor/features/bracketMatching/register';
import 'monaco-editor/features/comment/register';
import 'monaco-editor/features/find/register';
import 'monaco-editor/features/hover/register';
import 'monaco-editor/features/indentation/register';
import 'monaco-editor/features/wordOperations/register';
import EditorWorker from 'monaco-editor/editor/editor.worker?worker';
import type { Diagnostic } from '../../wire/compiler.ts';
import { MOTOKO, motokoConfiguration, motokoTokens } from './motoko-language.ts';

export interface CodeEditor {
  setText(text: string): void;
  setDiagnostics(diagnostics: readonly Diagnostic[]): void;
  setDark(dark: boolean): void;
  dispose(): void;
}

const OWNER = 'motoko-compiler';
const SEVERITY = {
  error: MarkerSeverity.Error,
  warning: MarkerSeverity.Warning,
  info: MarkerSeverity.Info,
} as const;

/** Colours of source code, close to the tokens of the page; Monaco takes hex only. */
const COLOURS = {
  dark: {
    keyword: '7fc4f7',
    type: '8fd6a8',
    string: 'e8c27a',
    number: 'f0a58f',
    comment: '9aa3b5',
    tag: 'd7a5f0',
    background: '#12161f',
    text: 'eceef4',
    gutter: '#9aa3b5',
  },
  light: {
    keyword: '0b5cad',
    type: '136b3c',
    string: '8a5a00',
    number: 'a83a1c',
    comment: '5a6273',
    tag: '7a2ea8',
    background: '#fcfcfe',
    text: '1c1f2b',
    gutter: '#5a6273',
  },
} as const;

let prepared = false;

function prepare(): void {
  if (prepared) {
    return;
  }
  prepared = true;
  globalThis.MonacoEnvironment = { getWorker: () => new EditorWorker() };
  languages.register({ id: MOTOKO, extensions: ['.mo'], aliases: ['Motoko'] });
  languages.setLanguageConfiguration(MOTOKO, motokoConfiguration);
  languages.setMonarchTokensProvider(MOTOKO, motokoTokens);
  for (const [name, colours] of Object.entries(COLOURS)) {
    const { background, text, gutter, ...tokens } = colours;
    editor.defineTheme(`subnetarium-${name}`, {
      base: name === 'dark' ? 'vs-dark' : 'vs',
      inherit: true,
      rules: [
        { token: '', foreground: text },
        ...Object.entries(tokens).map(([token, foreground]) => ({ token, foreground })),
      ],
      colors: {
        'editor.background': background,
        'editor.foreground': `#${text}`,
        'editorLineNumber.foreground': gutter,
        'editorLineNumber.dimmedForeground': gutter,
      },
    });
  }
}

/** Puts a Motoko editor into the element; `onChange` gets the whole text. */
export function createCodeEditor(
  element: HTMLElement,
  text: string,
  dark: boolean,
  onChange: (text: string) => void,
): CodeEditor {
  prepare();
  const view = editor.create(element, {
    value: text,
    language: MOTOKO,
    theme: themeName(dark),
    ariaLabel: 'Motoko program. Press Ctrl+M to let Tab move the focus.',
    automaticLayout: true,
    fontFamily: 'JetBrains Mono Variable, monospace',
    fontSize: 13,
    lineHeight: 21,
    minimap: { enabled: false },
    padding: { top: 12, bottom: 12 },
    scrollBeyondLastLine: false,
    renderLineHighlight: 'none',
    overviewRulerLanes: 0,
    wordBasedSuggestions: 'off',
    tabSize: 2,
  });
  view.onDidChangeModelContent(() => onChange(view.getValue()));
  return {
    setText: (value) => {
      if (view.getValue() !== value) {
        view.setValue(value);
      }
    },
    setDiagnostics: (diagnostics) => {
      const model = view.getModel();
      if (model !== null) {
        editor.setModelMarkers(model, OWNER, diagnostics.map(toMarker));
      }
    },
    setDark: (value) => editor.setTheme(themeName(value)),
    dispose: () => {
      view.getModel()?.dispose();
      view.dispose();
    },
  };
}

function themeName(dark: boolean): string {
  return dark ? 'subnetarium-dark' : 'subnetarium-light';
}

function toMarker(finding: Diagnostic): editor.IMarkerData {
  return {
    severity: SEVERITY[finding.severity],
    message: finding.message,
    code: finding.code,
    startLineNumber: finding.startLine,
    startColumn: finding.startColumn,
    endLineNumber: finding.endLine,
    endColumn: finding.endColumn,
  };
}
