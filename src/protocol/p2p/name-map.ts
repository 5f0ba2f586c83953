import { nameKey } from './packet.ts';
import type { ArtifactName } from './packet.ts';

/**
 * A map by artifact name. An honest name's hash says everything, so it alone is the key; names that
 * share a hash and a height with another kind (a liar's) are kept aside under the whole name.
 *
 * One small map a height: a node holds tens of thousands of names for hours and works on those of a
 * few heights, which so stay together, and a height that is given up leaves nothing behind (a large
 * map that grows and shrinks is copied again and again).
 */
export class NameMap<T extends { readonly name: ArtifactName }> {
  private readonly heights = new Map<number, Map<string, T>>();
  private readonly others = new Map<string, T>();
  /** The height asked about last: most questions come in runs. */
  private near: Map<string, T> | undefined;
  private nearHeight = -1;

  get(name: ArtifactName): T | undefined {
    const found = this.at(name.height)?.get(name.hash);
    if (found !== undefined && found.name.kind === name.kind) {
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
    const found = this.at(name.height)?.get(name.hash);
    const isKeptAside = this.others.size > 0 && this.others.has(nameKey(name));
    if (!isKeptAside && (found === undefined || found.name.kind === name.kind)) {
      this.openAt(name.height).set(name.hash, value);
    } else {
      this.others.set(nameKey(name), value);
    }
  }

  delete(name: ArtifactName): void {
    const values = this.at(name.height);
    const found = values?.get(name.hash);
    if (values !== undefined && found !== undefined && found.name.kind === name.kind) {
      values.delete(name.hash);
      if (values.size === 0) {
        this.heights.delete(name.height);
        this.nearHeight = -1;
      }
    } else if (this.others.size > 0) {
      this.others.delete(nameKey(name));
    }
  }

  values(): readonly T[] {
    const values: T[] = [];
    for (const at of this.heights.values()) {
      values.push(...at.values());
    }
    return [...values, ...this.others.values()];
  }

  private at(height: number): Map<string, T> | undefined {
    if (height !== this.nearHeight) {
      this.near = this.heights.get(height);
      this.nearHeight = height;
    }
    return this.near;
  }

  private openAt(height: number): Map<string, T> {
    const known = this.at(height);
    if (known !== undefined) {
      return known;
    }
    const fresh = new Map<string, T>();
    this.heights.set(height, fresh);
    this.near = fresh;
    return fresh;
  }
}
