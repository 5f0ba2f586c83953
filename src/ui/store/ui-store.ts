import { createStore, type StoreApi } from 'zustand/vanilla';
import type { PartitionDraft } from '../faults/partition-draft.ts';
import type { HashHex, NodeId } from './ids.ts';

export const DOORS = ['observe', 'build', 'learn', 'present', 'networks', 'honesty'] as const;
export type Door = (typeof DOORS)[number];

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export type Selection =
  | { readonly kind: 'node'; readonly nodeId: NodeId }
  | { readonly kind: 'block'; readonly hash: HashHex }
  /** As hex. */
  | { readonly kind: 'canister'; readonly canisterId: string }
  /** Subnets by their places in the topology. */
  | { readonly kind: 'stream'; readonly from: number; readonly to: number };

/** What the panel at the side shows; on a narrow screen all but an empty `object` is a sheet. */
export const PANELS = ['object', 'faults', 'keys'] as const;
export type Panel = (typeof PANELS)[number];

/** What stands in the middle of Observe. */
export type Scene = 'picture' | 'calls' | 'tables';

export interface UiState {
  readonly door: Door;
  /** The subnet that is shown, by its place in the topology. */
  readonly subnet: number;
  readonly selection: Selection | null;
  readonly panel: Panel;
  /** Sides of a partition that is being chosen; null = none is. */
  readonly partitionDraft: PartitionDraft | null;
  readonly theme: Theme;
  /** Single-letter shortcuts can be switched off (WCAG 2.1.4). */
  readonly shortcuts: boolean;
  readonly scene: Scene;
  /** All subnets are in the picture, or one alone; where there are several. */
  readonly overview: boolean;
  readonly helpOpen: boolean;
  /** Why the last command to the network failed; null = it did not. */
  readonly commandError: string | null;
}

export type UiStore = StoreApi<UiState>;

const THEME_KEY = 'subnetarium.theme';
const SHORTCUTS_KEY = 'subnetarium.shortcuts';

function isOneOf<T extends string>(values: readonly T[], value: unknown): value is T {
  return (values as readonly unknown[]).includes(value);
}

export function doorOfHash(hash: string): Door {
  const name = hash.replace(/^#\/?/u, '').split('?')[0];
  return isOneOf(DOORS, name) ? name : 'observe';
}

/** The page's own state: which door is open, what is selected, and what the reader prefers. */
export function createUiStore(storage: Storage | null, hash: string): UiStore {
  const theme = storage?.getItem(THEME_KEY);
  const store = createStore<UiState>(() => ({
    door: doorOfHash(hash),
    subnet: 0,
    selection: null,
    panel: 'object',
    partitionDraft: null,
    theme: isOneOf(THEMES, theme) ? theme : 'system',
    shortcuts: storage?.getItem(SHORTCUTS_KEY) !== 'off',
    scene: 'picture',
    overview: true,
    helpOpen: false,
    commandError: null,
  }));
  store.subscribe((now, before) => {
    const { selection, panel } = now;
    if (now.subnet !== before.subnet && selection === before.selection) {
      // What was chosen is of the other subnet.
      store.setState({ selection: null, partitionDraft: null });
    }
    // Faults are about the selected node too; nothing else is lost by showing what was selected.
    const covers = panel === 'keys' || (panel === 'faults' && selection?.kind !== 'node');
    if (selection !== before.selection && selection !== null && covers) {
      store.setState({ panel: 'object' });
    }
    if (now.theme !== before.theme) {
      storage?.setItem(THEME_KEY, now.theme);
    }
    if (now.shortcuts !== before.shortcuts) {
      storage?.setItem(SHORTCUTS_KEY, now.shortcuts ? 'on' : 'off');
    }
  });
  return store;
}
