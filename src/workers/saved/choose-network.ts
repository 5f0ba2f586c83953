import { createCatalogue, type CatalogueRow } from './catalogue.ts';
import { isNetworkFree } from './network-lock.ts';

/** What a load of the page is to show. */
export type NetworkChoice =
  | { readonly kind: 'open'; readonly id: string; readonly name: string }
  /** Another tab has it, or this page cannot read it. */
  | { readonly kind: 'cannot'; readonly id: string; readonly name: string; readonly why: Why }
  | { readonly kind: 'new'; readonly link: string };

type Why = 'openElsewhere' | 'otherFormat' | 'unknown';

/** Parameters that say which network, not what kind of network. */
const CHOOSERS = ['fresh', 'network'];

/**
 * Reads an address: `?network=<id>` opens that one, `?fresh` makes a new one; else the newest that
 * was made with the same other parameters goes on, and without any parameters the newest of all.
 */
export async function chooseNetwork(search: string): Promise<NetworkChoice> {
  const rows = await createCatalogue().rows();
  const choice = chooseFrom(rows.ok ? rows.value : [], new URLSearchParams(search));
  return choice.kind === 'open' && !(await isNetworkFree(choice.id))
    ? { ...choice, kind: 'cannot', why: 'openElsewhere' }
    : choice;
}

export function chooseFrom(rows: readonly CatalogueRow[], params: URLSearchParams): NetworkChoice {
  const link = linkOf(params);
  const wanted = params.get('network');
  if (wanted !== null) {
    const row = rows.find(({ entry }) => entry.id === wanted);
    return row === undefined
      ? { kind: 'cannot', id: wanted, name: wanted.slice(0, 32), why: 'unknown' }
      : choiceOf(row);
  }
  const newest = params.has('fresh')
    ? undefined
    : rows.find(
        (row) =>
          row.entry.deletedMs === null && row.readable && (link === '' || row.entry.link === link),
      );
  return newest === undefined ? { kind: 'new', link } : choiceOf(newest);
}

function choiceOf({ readable, entry: { id, name } }: CatalogueRow): NetworkChoice {
  return readable ? { kind: 'open', id, name } : { kind: 'cannot', id, name, why: 'otherFormat' };
}

/** The parameters that make a network, in one order. */
function linkOf(params: URLSearchParams): string {
  const others = [...params].filter(([name]) => !CHOOSERS.includes(name));
  return others
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    .join('&');
}
