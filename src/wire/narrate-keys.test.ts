import { describe, expect, it } from 'vitest';
import type { HashHex, NodeId } from '../protocol/types/ids.ts';
import { keysInWords } from './narrate-keys.ts';

const [a, b] = ['aa', 'bb'] as [NodeId, NodeId];
const say = (event: Parameters<typeof keysInWords>[0]) =>
  keysInWords(event, 'Node 1', (id) => (id === a ? 'Node 1' : 'Node 2'));

describe('keys in words', () => {
  it('tells new keys, kept keys, complaints, leaving and registry versions', () => {
    const transcript = 'ff' as HashHex;
    const made = {
      kind: 'dkgTranscriptCreated',
      height: 20,
      transcript,
      dealers: [a],
      receivers: [a, b],
    } as const;
    expect(say({ ...made, tag: 'high' })?.text).toContain('public key is the same');
    expect(say({ ...made, tag: 'low' })?.text).toContain('made of 1 dealings');
    expect(
      say({
        kind: 'dkgTranscriptKept',
        height: 20,
        tag: 'low',
        reason: '1 good dealings, 2 needed',
      }),
    ).toMatchObject({ severity: 'warning', height: 20 });
    expect(
      say({ kind: 'dkgComplaintIncluded', height: 5, tag: 'low', dealer: a, complainer: b })?.text,
    ).toBe('Node 2 proved that Node 1 dealt it a bad piece of a key; the dealing does not count.');
    expect(say({ kind: 'leftSubnet', height: 30 })?.text).toContain('Node 1 left');
    expect(
      say({
        kind: 'registryChanged',
        version: 3,
        members: [a, b],
        isHalted: false,
        haltAtCatchUpPackage: true,
      })?.text,
    ).toBe('Registry version 3: 2 members, to halt at a package.');
    expect(say({ kind: 'tapeAggregated', height: 1 })).toBeUndefined();
  });
});
