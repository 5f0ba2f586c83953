import { useLayoutEffect, useRef } from 'react';

/**
 * When what is focused goes away as a panel closes, the focus goes back to what opened the panel.
 * @param opened what the panel shows; null = it is closed
 */
export function useFocusReturn(panel: React.RefObject<HTMLElement | null>, opened: unknown): void {
  const opener = useRef<Element | null>(null);
  useLayoutEffect(() => {
    const { activeElement } = document;
    if (opened !== null) {
      opener.current = panel.current?.contains(activeElement) ? opener.current : activeElement;
    } else if (activeElement === document.body && isFocusable(opener.current)) {
      opener.current.focus({ preventScroll: true });
    }
  }, [opened, panel]);
}

function isFocusable(element: Element | null): element is HTMLElement | SVGElement {
  return element instanceof HTMLElement || element instanceof SVGElement;
}
