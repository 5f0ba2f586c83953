import { describe, expect, it } from 'vitest';
import type { Mutations } from '../artifact-pool/change-action.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Block } from '../types/artifacts.ts';
import { makeBlock } from './block-maker.ts';
import { MS, RoleFixture } from './testing/role-fixture.ts';
import { NO_DKG } from '../types/block-codec.ts';

const madeBlock = (mutations: Mutations): Block | undefined => {
  const [action] = mutations;
  return action?.kind === 'addToValidated' && action.artifact.kind === 'blockProposal'
    ? action.artifact.block
    : undefined;
};

/** The fixture seen by the maker of a rank in round 1. */
function asMaker(rank: number, nodes = 4): RoleFixture {
  const f = new RoleFixture(nodes);
  f.self = f.maker(1, rank);
  return f;
}

describe('block maker', () => {
  it('CN16 CN17: of rank 0 proposes at once, on the notarized parent', () => {
    const f = asMaker(0);
    const block = madeBlock(f.run(makeBlock));
    expect(block).toMatchObject({ height: 1, rank: 0, parent: f.genesisBlock.blockHash });
    expect(block?.context.timeNs).toBe(f.genesisBlock.context.timeNs + 100n * MS + 1n);
  });

  it('CN21: takes its clock as time of the block, never one before its peers would notarize it', () => {
    for (const [clockMs, timeMs] of [
      [5000n, 5000n],
      [0n, 100n],
    ] as const) {
      const f = asMaker(0);
      f.nowNs = f.genesis.genesisTimeNs + clockMs * MS;
      const block = madeBlock(f.run(makeBlock));
      const expected = f.genesis.genesisTimeNs + timeMs * MS + (clockMs === 0n ? 1n : 0n);
      expect(block?.context.timeNs).toBe(expected);
    }
  });

  it('CN17: of rank r waits r unit delays and asks to be woken then', () => {
    const f = asMaker(2, 7);
    const start = f.nowNs;
    expect(f.run(makeBlock)).toEqual([]);
    expect(f.wakes).toEqual([start + 2000n * MS]);
    f.nowNs = start + 2000n * MS - 1n;
    expect(f.run(makeBlock)).toEqual([]);
    f.nowNs = start + 2000n * MS;
    expect(madeBlock(f.run(makeBlock))).toMatchObject({ rank: 2, context: { timeNs: f.nowNs } });
  });

  it('CN16 CN18: proposes once, and not at all when a better valid block is known', () => {
    const f = asMaker(0);
    f.apply(f.run(makeBlock));
    expect(f.run(makeBlock)).toEqual([]);
    f.self = f.maker(1, 1);
    f.nowNs += 60_000n * MS;
    expect(f.run(makeBlock)).toEqual([]);
  });

  it('CN18 CN46: is not held up by a better block whose maker equivocated', () => {
    const f = asMaker(0);
    f.apply(f.run(makeBlock));
    const guilty = f.self;
    f.self = f.maker(1, 1);
    f.nowNs += 1000n * MS;
    f.validated(
      sealArtifact<'equivocationProof'>({
        kind: 'equivocationProof',
        height: 1,
        signer: guilty,
        hash1: '00'.repeat(32) as never,
        signature1: new Uint8Array(1),
        hash2: '11'.repeat(32) as never,
        signature2: new Uint8Array(1),
      }),
    );
    expect(madeBlock(f.run(makeBlock))).toMatchObject({ rank: 1 });
  });

  it('CN16: stays silent when it is no maker of the round', () => {
    const f = new RoleFixture();
    const makers = f.membership.blockMakers(1) ?? [];
    f.self = f.nodes.find((node) => !makers.includes(node)) as never;
    f.nowNs += 60_000n * MS;
    expect(f.run(makeBlock)).toEqual([]);
  });

  it('CN53: makes the summary block of the interval, without asking for a payload', () => {
    const f = new RoleFixture(1, { dkgIntervalLength: 2 });
    f.payloadBuilder = {
      ...f.payloadBuilder,
      build: () => {
        throw new RangeError('no payload in a summary block');
      },
    };
    const tip = f.round(f.round(f.genesisBlock));
    expect(madeBlock(f.run(makeBlock))).toMatchObject({
      height: 3,
      parent: tip.blockHash,
      payload: { kind: 'summary', summary: { height: 3, intervalLength: 2 } },
    });
  });

  it('CN19: gives the payload builder what the certified state does not know yet', () => {
    const f = new RoleFixture(1);
    const payload = (n: number) =>
      ({
        kind: 'data',
        dkgStartHeight: 0,
        dkg: NO_DKG,
        batch: { ingress: [Uint8Array.of(n)] },
      }) as const;
    let tip = f.genesisBlock;
    for (const n of [1, 2, 3]) {
      tip = f.round(tip, { payload: payload(n) });
    }
    f.state.certified = 1;
    let seen: unknown;
    f.payloadBuilder = {
      ...f.payloadBuilder,
      build: (context, past) => {
        seen = [context.certifiedHeight, past.map((p) => p.ingress[0]?.[0])];
        return { ingress: [] };
      },
    };
    f.run(makeBlock);
    expect(seen).toEqual([1, [2, 3]]);
  });

  it('CN19: does not propose on a parent that relies on a state it has not certified', () => {
    const f = new RoleFixture(1);
    const first = f.round(f.genesisBlock);
    const context = { ...first.context, certifiedHeight: 1, timeNs: first.context.timeNs + 1n };
    f.round(first, { context });
    expect(f.run(makeBlock)).toEqual([]);
    f.state.certified = 1;
    expect(madeBlock(f.run(makeBlock))).toBeDefined();
  });

  it('CN17: of rank > 0 waits ten more units when over ten of 30 recent blocks were not of rank 0', () => {
    const f = new RoleFixture(4, { dkgIntervalLength: 99 });
    let tip = f.genesisBlock;
    for (let i = 0; i < 11; i += 1) {
      tip = f.round(tip, { rank: 1 });
    }
    f.self = f.maker(tip.height + 1, 1);
    const start = f.nowNs;
    f.nowNs = start + 1000n * MS;
    expect(f.run(makeBlock)).toEqual([]);
    expect(f.wakes).toEqual([start + 11_000n * MS]);
    f.self = f.maker(tip.height + 1, 0);
    expect(madeBlock(f.run(makeBlock))).toMatchObject({ rank: 0 });
  });
});
