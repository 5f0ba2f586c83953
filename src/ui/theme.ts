import type { UiStore } from './store/ui-store.ts';

/** Keeps `data-theme` on the root element equal to the choice, or to the system's while it is "system". */
export function followTheme(ui: UiStore): void {
  const preference = matchMedia('(prefers-color-scheme: light)');
  const apply = (): void => {
    const { theme } = ui.getState();
    const system = preference.matches ? 'light' : 'dark';
    document.documentElement.dataset['theme'] = theme === 'system' ? system : theme;
  };
  apply();
  ui.subscribe(apply);
  preference.addEventListener('change', apply);
}
