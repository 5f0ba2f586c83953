import { nameKey } from './packet.ts';
import type { ArtifactName } from './packet.ts';

/**
 * A map by artifact name. An honest name's hash says everything, so it alone is the key; names that
 * share a hash with another kind or height (a liar's) are kept aside under the whole name.
 */
export class NameMap<T extends { readonly name: ArtifactName }> {
  private readonly byHash = new Map<string, T>();
  private readonly others = new Map<string, T>();

  get(name: ArtifactName): T | undefined {
    const found = this.byHash.get(name.hash);
    if (found !== undefined && isSame(found.name, name)) {
      return found;
    }
    return this.others.size === 0 ? undefined : this.others.get(nameKey(name));
  }

  has(name: ArtifactName): boolean {
    return this.get(name) !== undefined;
  }

  /** Replaces what has the same name. */
  set(value: T): void {
    const { name } = value;
    const found = this.byHash.get(name.hash);
    const isKeptAside = this.others.size > 0 && this.others.has(nameKey(name));
    if (!isKeptAside && (found === undefined || isSame(found.name, name))) {
      this.byHash.set(name.hash, value);
    } else {
      this.others.set(nameKey(name), value);
    }
  }

  delete(name: ArtifactName): void {
    const found = this.byHash.get(name.hash);
    if (found !== undefined && isSame(found.name, name)) {
      this.byHash.delete(name.hash);
    } else if (this.others.size > 0) {
      this.others.delete(nameKey(name));
    }
  }

  values(): readonly T[] {
    return [...this.byHash.values(), ...this.others.values()];
  }
}

function isSame(a: ArtifactName, b: ArtifactName): boolean {
  return a.height === b.height && a.kind === b.kind;
}
