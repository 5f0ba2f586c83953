import type { Deliver, Transmit, Withdraw } from '../artifact-pool/artifact-pool.ts';
import { artifactIdOf, type ArtifactId } from '../types/artifacts.ts';
import type { ArtifactIntake } from './artifact-intake.ts';
import type { StorageJournal } from './storage-journal.ts';
import { artifactStorageKey } from './stored-node.ts';

/** What peers are to hear of once it is on the disk, with the bytes that were written. */
export type WrittenTransmit = (Deliver & { readonly bytes: Uint8Array }) | Withdraw;

export interface PoolWriterDeps {
  readonly journal: StorageJournal<WrittenTransmit>;
  /** The pool has it no more: the disk may forget it too. */
  readonly forget: (id: ArtifactId) => void;
  readonly intake: Pick<ArtifactIntake, 'encodingOf' | 'deliver' | 'withdraw'>;
}

/** Writes changes of the validated pool; peers hear of each once it is on the disk. */
export class PoolWriter {
  readonly #deps: PoolWriterDeps;

  constructor(deps: PoolWriterDeps) {
    this.#deps = deps;
  }

  store(transmit: Transmit): void {
    const { journal, intake, forget } = this.#deps;
    if (transmit.kind === 'deliver') {
      const { kind, artifact, latencySensitive } = transmit;
      const key = artifactStorageKey(artifactIdOf(artifact));
      const bytes = intake.encodingOf(artifact);
      journal.put(key, bytes);
      journal.hold({ kind, artifact, latencySensitive, bytes });
    } else {
      forget(transmit.id);
      journal.hold(transmit);
    }
  }

  /** The write with that number, and all before it, is on the disk. */
  persisted(operationId: number): void {
    this.#release(this.#deps.journal.persisted(operationId));
  }

  /** Tells peers what waits for no write. */
  releaseFree(): void {
    this.#release(this.#deps.journal.takeFree());
  }

  #release(transmits: readonly WrittenTransmit[]): void {
    for (const transmit of transmits) {
      if (transmit.kind === 'deliver') {
        this.#deps.intake.deliver(transmit.artifact, transmit.latencySensitive, transmit.bytes);
      } else {
        this.#deps.intake.withdraw(transmit.id);
      }
    }
  }
}
