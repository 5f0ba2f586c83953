import type { NodeEffect, OperationId, StorageWrite } from './node-io.ts';

/**
 * Persist before you sign out loud: what a node signed leaves it only after the write that holds
 * it. Writes are gathered and one is under way at a time, so that a slow disk costs latency, not
 * throughput.
 */
export class StorageJournal<Held> {
  private readonly nextOperation: () => OperationId;
  private writes = new Map<string, StorageWrite>();
  private held: Held[] = [];
  private underWay: { readonly operationId: OperationId; readonly held: readonly Held[] } | null =
    null;

  constructor(nextOperation: () => OperationId) {
    this.nextOperation = nextOperation;
  }

  put(key: string, value: Uint8Array): void {
    this.writes.set(key, { op: 'put', key, value });
  }

  delete(key: string): void {
    this.writes.set(key, { op: 'delete', key });
  }

  /** Keeps the item back until everything written so far is on the disk. */
  hold(item: Held): void {
    this.held.push(item);
  }

  /** What may leave now that the write is done. */
  persisted(operationId: OperationId): readonly Held[] {
    if (this.underWay === null || this.underWay.operationId !== operationId) {
      return [];
    }
    const { held } = this.underWay;
    this.underWay = null;
    return held;
  }

  /** A write is under way: what is put now waits for its end. */
  get isWriting(): boolean {
    return this.underWay !== null;
  }

  /** Everything given so far is on the disk. */
  get isStored(): boolean {
    return this.underWay === null && this.writes.size === 0;
  }

  /** Items that wait for no write at all. */
  takeFree(): readonly Held[] {
    if (!this.isStored) {
      return [];
    }
    const { held } = this;
    this.held = [];
    return held;
  }

  /** The next write, when none is under way. */
  takeEffect(): NodeEffect | null {
    if (this.underWay !== null || this.writes.size === 0) {
      return null;
    }
    const operationId = this.nextOperation();
    this.underWay = { operationId, held: this.held };
    const writes = [...this.writes.values()];
    this.held = [];
    this.writes = new Map();
    return { kind: 'persist', operationId, writes };
  }
}
