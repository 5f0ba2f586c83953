import { useEffect, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { useServices, useUi } from '../services.tsx';
import type { CodeEditor } from './monaco.ts';

/** The program's text: a plain field at once, the code editor as soon as it has loaded. */
export function ProgramEditor() {
  const { workshop } = useServices();
  const { source, diagnostics } = useStore(workshop);
  const theme = useUi((state) => state.theme);
  const ref = useRef<HTMLDivElement>(null);
  const [code, setCode] = useState<CodeEditor | null>(null);
  useEffect(() => {
    let closed = false;
    let made: CodeEditor | undefined;
    // Touch keyboards and the code editor do not go together; the plain field stays there.
    if (!matchMedia('(pointer: coarse)').matches) {
      import('./monaco.ts').then(
        ({ createCodeEditor }) => {
          if (ref.current !== null && !closed) {
            const change = (text: string): void => workshop.setState({ source: text });
            made = createCodeEditor(ref.current, workshop.getState().source, isDark(), change);
            setCode(made);
          }
        },
        () => undefined,
      );
    }
    return () => {
      closed = true;
      made?.dispose();
    };
  }, [workshop]);
  useEffect(() => code?.setText(source), [code, source]);
  useEffect(() => code?.setDiagnostics(diagnostics), [code, diagnostics]);
  useEffect(() => {
    // The page's own listener is older than this one: its theme is set by then.
    const preference = matchMedia('(prefers-color-scheme: light)');
    const follow = (): void => code?.setDark(isDark());
    follow();
    preference.addEventListener('change', follow);
    return () => preference.removeEventListener('change', follow);
  }, [code, theme]);
  return (
    <div className="editor">
      <div className="editor-code" ref={ref} />
      {code === null ? (
        <textarea
          className="editor-plain mono"
          aria-label="Motoko program"
          spellCheck={false}
          autoCapitalize="off"
          value={source}
          onChange={(event) => workshop.setState({ source: event.currentTarget.value })}
        />
      ) : null}
    </div>
  );
}

function isDark(): boolean {
  return document.documentElement.dataset['theme'] !== 'light';
}
