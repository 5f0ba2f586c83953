import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
import { RoleFixture } from '../consensus/testing/role-fixture.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Block, DkgPayload, SignedDkgDealing } from '../types/artifacts.ts';
import { NO_DKG } from '../types/block-codec.ts';
import type { NodeId } from '../types/ids.ts';
import { dkgDealingSignedBytes } from '../types/signed-bytes.ts';
import { makeDealing } from './dealing-maker.ts';
import { createDkgValidator } from './dkg-validator.ts';
import { buildDkgPayload, validateDkgPayload } from './payload.ts';

/** Four nodes, interval of ten heights: six blocks for dealings, three of them in one block. */
function fixture(): RoleFixture {
  return new RoleFixture(4, { dkgIntervalLength: 9 });
}

function dealt(f: RoleFixture, node: NodeId, tag: 'low' | 'high'): SignedDkgDealing {
  const crypto = f.cryptoOf(node);
  const { payload } = f.genesisBlock;
  const configs = payload.kind === 'summary' ? payload.summary.configs : [];
  const config = present(
    configs.find(({ id }) => id.tag === tag),
    'a run of the tag',
  );
  const content = present(crypto.dkg.deal(config, f.registry.nodes), 'the dealer has its share');
  return signed(f, node, { height: 0, tag, content });
}

function signed(
  f: RoleFixture,
  node: NodeId,
  dealing: Pick<SignedDkgDealing, 'height' | 'tag' | 'content'>,
): SignedDkgDealing {
  const signature = f.cryptoOf(node).signBasic(dkgDealingSignedBytes(dealing, f.genesis.subnetId));
  return sealArtifact<'dkgDealing'>({ kind: 'dkgDealing', ...dealing, signer: node, signature });
}

function judge(f: RoleFixture, parent: Block, payload: Partial<DkgPayload>) {
  const facts = present(f.dkg.dealingsIn(parent), 'the interval is known');
  return validateDkgPayload(f.context(), facts, parent.height + 1, { ...NO_DKG, ...payload });
}

describe('dealings in blocks', () => {
  it('CN92: a maker includes what its pool has validated, once', () => {
    const f = fixture();
    for (const node of f.nodes) {
      f.unvalidated(dealt(f, node, 'low'), node);
      f.apply(f.run(createDkgValidator()));
    }
    const genesis = present(f.dkg.dealingsIn(f.genesisBlock), 'facts');
    const payload = buildDkgPayload(f.context(), genesis, 1);
    // f + 1 are needed and f may be bad: the fourth is not wanted.
    expect(payload.dealings).toHaveLength(3);
    expect(judge(f, f.genesisBlock, payload)).toEqual({ kind: 'valid' });
    const block = f.round(f.genesisBlock, {
      payload: { kind: 'data', dkgStartHeight: 0, dkg: payload, batch: { ingress: [] } },
    });
    const facts = present(f.dkg.dealingsIn(block), 'facts');
    expect(buildDkgPayload(f.context(), facts, 2)).toEqual(NO_DKG);
    expect(judge(f, block, payload)).toMatchObject({ code: 'DEALER_DEALT_ALREADY' });
  });

  it('CN94: are valid without the own pool’s word, and refused by rule', () => {
    const f = fixture();
    const [a, b, c, d] = f.nodes as readonly [NodeId, NodeId, NodeId, NodeId];
    const good = dealt(f, a, 'low');
    expect(judge(f, f.genesisBlock, { dealings: [good] })).toEqual({ kind: 'valid' });
    const other = dealt(f, b, 'low');
    const stranger = signed(f, a, { ...good, height: 5 });
    const cases: readonly (readonly [string, readonly SignedDkgDealing[]])[] = [
      ['DEALER_DEALT_ALREADY', [good, good]],
      ['BAD_DEALING_SIGNATURE', [{ ...good, signature: other.signature }]],
      ['UNKNOWN_DKG_RUN', [stranger]],
      ['NOT_A_DEALER', [{ ...good, signer: 'ff' as NodeId }]],
      ['MALFORMED_DEALING', [signed(f, a, { height: 0, tag: 'low', content: Uint8Array.of(1) })]],
      ['TOO_MANY_DEALINGS', [good, other, dealt(f, c, 'low'), dealt(f, a, 'high')]],
    ];
    for (const [code, dealings] of cases) {
      expect(judge(f, f.genesisBlock, { dealings }), code).toMatchObject({
        kind: 'invalid',
        code,
      });
    }
    const copied = signed(f, c, dealt(f, d, 'high'));
    expect(judge(f, f.genesisBlock, { dealings: [copied] })).toMatchObject({ kind: 'invalid' });
  });

  it('CN93: do not count in the last third of an interval', () => {
    const f = fixture();
    const good = dealt(f, f.self, 'low');
    let tip = f.genesisBlock;
    for (let height = 1; height <= 6; height += 1) {
      expect(judge(f, tip, { dealings: [good] }), `height ${height}`).toEqual({ kind: 'valid' });
      tip = f.round(tip);
    }
    expect(judge(f, tip, { dealings: [good] })).toMatchObject({ code: 'DEALING_TOO_LATE' });
  });

  it('CN95: a complaint needs a dealing in an earlier block', () => {
    const f = fixture();
    const complaint = sealArtifact<'dkgComplaint'>({
      kind: 'dkgComplaint',
      height: 0,
      tag: 'low',
      dealer: f.nodes[1] as NodeId,
      signer: f.self,
      content: new Uint8Array(160),
      signature: new Uint8Array(64),
    });
    expect(judge(f, f.genesisBlock, { complaints: [complaint] })).toMatchObject({
      code: 'NOTHING_TO_COMPLAIN_OF',
    });
    const dealings = [dealt(f, f.nodes[1] as NodeId, 'low')];
    const block = f.round(f.genesisBlock, {
      payload: {
        kind: 'data',
        dkgStartHeight: 0,
        dkg: { dealings, complaints: [] },
        batch: { ingress: [] },
      },
    });
    expect(judge(f, block, { complaints: [complaint] })).toMatchObject({
      code: 'BAD_COMPLAINT_SIGNATURE',
    });
  });
});

describe('a dealer', () => {
  it('CN91: deals in each run once, when its turn has come', () => {
    const f = fixture();
    f.self = f.nodes[0] as NodeId;
    const made = f.run(makeDealing);
    expect(made).toMatchObject([{ artifact: { kind: 'dkgDealing', tag: 'low', signer: f.self } }]);
    f.apply(made);
    expect(f.run(makeDealing), 'the turn of the high run comes later').toEqual([]);
    let tip = f.genesisBlock;
    for (let height = 1; height <= 3; height += 1) {
      tip = f.round(tip);
      f.validated(f.finalization(tip));
    }
    const second = f.run(makeDealing);
    expect(second).toMatchObject([{ artifact: { tag: 'high', signer: f.self } }]);
    f.apply(second);
    expect(f.run(makeDealing)).toEqual([]);
  });

  it('CN91: that dealt twice is refused the second time', () => {
    const f = fixture();
    const dealer = f.nodes[1] as NodeId;
    const first = dealt(f, dealer, 'low');
    f.unvalidated(first, dealer);
    f.apply(f.run(createDkgValidator()));
    f.unvalidated(signed(f, dealer, { ...first, content: first.content.toReversed() }), dealer);
    expect(f.run(createDkgValidator())).toMatchObject([
      { kind: 'handleInvalid', code: 'DEALER_DEALT_ALREADY' },
    ]);
  });

  it('CN91: are checked one a poll, so that a burst of them holds up nothing else', () => {
    const f = fixture();
    const validate = createDkgValidator();
    for (const dealer of f.nodes.slice(1)) {
      f.unvalidated(dealt(f, dealer, 'low'), dealer);
    }
    f.apply(f.run(validate));
    expect(f.run(validate)).toEqual([]);
    expect(f.wakes).toEqual([f.nowNs + 1n]);
    f.nowNs += 1n;
    expect(f.run(validate)).toMatchObject([{ kind: 'moveToValidated' }]);
  });
});
