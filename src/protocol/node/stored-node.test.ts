import { describe, expect, it } from 'vitest';
import { makeCheckpoint } from '../state-manager/checkpoint.ts';
import { stateWith } from '../state-manager/testing/filled-state.ts';
import type { ArtifactId } from '../types/artifacts.ts';
import type { HashHex } from '../types/ids.ts';
import { artifactStorageKey, CheckpointStore, loadStoredNode } from './stored-node.ts';

function store() {
  const journal = {
    isWriting: true,
    stored: new Set<string>(),
    deleted: new Set<string>(),
    put: (key: string) => void journal.stored.add(key),
    delete: (key: string) => void journal.deleted.add(key),
  };
  const checkpoints = new CheckpointStore(journal, loadStoredNode([]));
  return { journal, checkpoints };
}

const idAt = (kind: ArtifactId['kind'], height: number): ArtifactId => ({
  kind,
  height,
  hash: 'ab'.repeat(32) as HashHex,
});
const BLOCK = idAt('blockProposal', 30);

describe('what consensus no longer needs', () => {
  it('stays on the disk while only it leads from the stored checkpoint to the package', () => {
    const { journal, checkpoints } = store();
    checkpoints.save(makeCheckpoint(stateWith(100, [])));
    checkpoints.work();
    const share = idAt('notarizationShare', 30);
    for (const id of [BLOCK, idAt('randomTape', 30), share]) {
      checkpoints.forget(id, 100);
    }
    expect([...journal.deleted], 'no replay needs a share').toEqual([artifactStorageKey(share)]);
    journal.isWriting = false;
    checkpoints.work();
    expect(journal.stored.has('checkpoint/100')).toBe(true);
    expect(journal.deleted.has(artifactStorageKey(BLOCK))).toBe(true);
    expect(journal.deleted.has(artifactStorageKey(idAt('randomTape', 30)))).toBe(true);
  });

  it('goes at once above the package, and below the stored checkpoint', () => {
    const { journal, checkpoints } = store();
    checkpoints.forget(idAt('blockProposal', 101), 100);
    journal.isWriting = false;
    checkpoints.save(makeCheckpoint(stateWith(50, [])));
    checkpoints.work();
    checkpoints.forget(BLOCK, 100);
    expect([...journal.deleted]).toEqual([
      artifactStorageKey(idAt('blockProposal', 101)),
      artifactStorageKey(BLOCK),
    ]);
  });
});
