/** Web Locks of several tabs, where the platform of the tests has none. */
export class FakeLocks {
  readonly #held = new Set<string>();

  readonly request = async <T>(
    name: string,
    options: { readonly ifAvailable: true },
    task: (lock: object | null) => Promise<T>,
  ): Promise<T> => {
    if (this.#held.has(name)) {
      return task(null);
    }
    this.#held.add(name);
    try {
      return await task(options);
    } finally {
      this.#held.delete(name);
    }
  };

  readonly query = async (): Promise<{ readonly held: readonly { readonly name: string }[] }> => ({
    held: [...this.#held].map((name) => ({ name })),
  });

  /** Takes a lock as another tab does; answers what releases it. */
  hold(name: string): () => void {
    this.#held.add(name);
    return () => this.#held.delete(name);
  }
}
