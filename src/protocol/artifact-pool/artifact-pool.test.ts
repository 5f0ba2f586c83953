import { test } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Artifact, ArtifactKind } from '../types/artifacts.ts';
import { artifactIdOf, artifactKey } from '../types/artifacts.ts';
import type { NodeId } from '../types/ids.ts';
import {
  applyMutations,
  createArtifactPool,
  insertUnvalidated,
  restoreValidated,
} from './artifact-pool.ts';
import {
  addToValidated,
  handleInvalid,
  moveToValidated,
  removeFromValidated,
} from './change-action.ts';
import { PoolSection } from './pool-section.ts';

const PEER = '0a' as NodeId;
const tape = (height: number, tag = 0): Artifact =>
  sealArtifact<'randomTape'>({ kind: 'randomTape', height, signature: Uint8Array.of(tag) });
const tapeShare = (height: number, tag = 0): Artifact =>
  sealArtifact<'randomTapeShare'>({
    kind: 'randomTapeShare',
    height,
    signer: PEER,
    signature: Uint8Array.of(tag),
  });

it('lists that were handed out stay as they are, whatever comes in or goes later', () => {
  const section = new PoolSection();
  const insert = (tag: number, from: NodeId | null): boolean =>
    section.insert({ artifact: tape(1, tag), arrivedNs: 0n, from });
  insert(0, null);
  insert(1, PEER);
  const two = section.entriesAt('randomTape', 1);
  const artifacts = section.at('randomTape', 1);
  insert(2, PEER);
  insert(3, PEER);
  const four = section.entriesAt('randomTape', 1);
  section.remove(tape(1, 0));
  expect([two.length, artifacts.length, four.length]).toEqual([2, 2, 4]);
  expect(section.at('randomTape', 1)).toEqual([tape(1, 1), tape(1, 2), tape(1, 3)]);
  expect(section.countAt('randomTape', 1)).toBe(3);
  expect(section.countFrom('randomTape', 1, PEER)).toBe(3);
  expect(section.countFrom('randomTape', 1, null)).toBe(0);
});

describe('mutations', () => {
  it('CN86: own artifacts are delivered at once, relayed aggregates without hurry, peers’ shares never', () => {
    const pool = createArtifactPool();
    insertUnvalidated(pool, tape(1), PEER, 5n, 10);
    insertUnvalidated(pool, tapeShare(1), PEER, 6n, 10);
    const { transmits, pollAgain } = applyMutations(
      pool,
      [moveToValidated(tape(1)), moveToValidated(tapeShare(1)), addToValidated(tapeShare(2))],
      9n,
    );
    expect(pollAgain).toBe(true);
    expect(transmits).toEqual([
      { kind: 'deliver', artifact: tape(1), latencySensitive: false },
      { kind: 'deliver', artifact: tapeShare(2), latencySensitive: true },
    ]);
    expect(pool.validated.entriesAt('randomTape', 1)[0]).toMatchObject({
      arrivedNs: 5n,
      from: PEER,
    });
    expect(pool.validated.entriesAt('randomTapeShare', 2)[0]).toMatchObject({ arrivedNs: 9n });
    expect(pool.unvalidated.size).toBe(0);
  });

  it('CN86: what leaves the validated section is withdrawn', () => {
    const pool = createArtifactPool();
    for (const height of [1, 2, 3]) {
      restoreValidated(pool, tape(height), 0n);
    }
    const { transmits } = applyMutations(
      pool,
      [
        removeFromValidated(artifactIdOf(tape(3))),
        { kind: 'purgeValidatedBelow', height: 2, kinds: ['randomTape'] },
      ],
      0n,
    );
    expect(transmits).toEqual([
      { kind: 'withdraw', id: artifactIdOf(tape(3)) },
      { kind: 'withdraw', id: artifactIdOf(tape(1)) },
    ]);
    expect(pool.validated.heights('randomTape')).toEqual([2]);
  });

  it('actions that change nothing say so', () => {
    const pool = createArtifactPool();
    restoreValidated(pool, tape(1), 0n);
    const { transmits, pollAgain, applied } = applyMutations(
      pool,
      [
        addToValidated(tape(1)),
        handleInvalid(tape(2), 'X', 'x'),
        removeFromValidated(artifactIdOf(tape(9))),
        { kind: 'purgeUnvalidatedBelow', height: 9, kinds: ['randomTape'] },
      ],
      0n,
    );
    expect({ transmits, pollAgain, applied }).toEqual({
      transmits: [],
      pollAgain: false,
      applied: [],
    });
  });

  it('CN41: one peer cannot hold more than its share of a height', () => {
    const pool = createArtifactPool();
    const outcomes = [0, 1, 2, 1].map((tag) => insertUnvalidated(pool, tape(1, tag), PEER, 0n, 2));
    expect(outcomes).toEqual(['inserted', 'inserted', 'full', 'duplicate']);
    expect(insertUnvalidated(pool, tape(1, 2), '0b' as NodeId, 0n, 2)).toBe('inserted');
    expect(insertUnvalidated(pool, tape(2, 0), PEER, 0n, 2)).toBe('inserted');
  });
});

describe('a section equals a plain map', () => {
  const command = fc.oneof(
    fc.record({
      op: fc.constantFrom('insert', 'remove'),
      share: fc.boolean(),
      height: fc.nat(6),
      tag: fc.nat(2),
    }),
    fc.record({
      op: fc.constant('purge'),
      share: fc.boolean(),
      height: fc.nat(7),
      tag: fc.constant(0),
    }),
  );
  test.prop([fc.array(command, { maxLength: 60 })])('after any commands', (commands) => {
    const section = new PoolSection();
    const model = new Map<string, Artifact>();
    for (const { op, share, height, tag } of commands) {
      const artifact = share ? tapeShare(height, tag) : tape(height, tag);
      const key = artifactKey(artifactIdOf(artifact));
      if (op === 'insert') {
        expect(section.insert({ artifact, arrivedNs: 0n, from: null })).toBe(!model.has(key));
        model.set(key, artifact);
      } else if (op === 'remove') {
        expect(section.remove(artifactIdOf(artifact)) !== undefined).toBe(model.delete(key));
      } else {
        const below = [...model].filter(([, a]) => a.kind === artifact.kind && a.height < height);
        expect(section.purgeBelow(height, [artifact.kind])).toHaveLength(below.length);
        below.forEach(([purged]) => model.delete(purged));
      }
      expect(section.size).toBe(model.size);
      for (const kind of ['randomTape', 'randomTapeShare'] satisfies ArtifactKind[]) {
        const heights = [...model.values()].filter((a) => a.kind === kind).map((a) => a.height);
        expect(section.count(kind)).toBe(heights.length);
        expect(section.minHeight(kind)).toBe(heights.length ? Math.min(...heights) : undefined);
        expect(section.maxHeight(kind)).toBe(heights.length ? Math.max(...heights) : undefined);
        expect(section.heights(kind)).toEqual([...new Set(heights)].sort((a, b) => a - b));
      }
    }
    expect(
      section
        .all()
        .map(({ artifact }) => artifactKey(artifactIdOf(artifact)))
        .sort(),
    ).toEqual([...model.keys()].sort());
  });
});
