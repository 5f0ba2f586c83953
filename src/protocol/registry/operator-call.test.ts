import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../../base/utf8.ts';
import { encodeCbor } from '../crypto/cbor.ts';
import { encodeCertificate, stateRootSigningBytes } from '../crypto/certificate.ts';
import { wrapBls } from '../crypto/der.ts';
import { INSECURE_TEST_SUITE } from '../crypto/insecure-test-crypto.ts';
import { digest, labeledMap, leaf, witness } from '../crypto/labeled-tree.ts';
import { canisterIdFromU64 } from '../crypto/principal.ts';
import { subnetParametersFor } from '../node/subnet-parameters.ts';
import { dealNetwork } from './deal-network.ts';
import { operatorCall, outcomeOf } from './operator-call.ts';

const { bls } = INSECURE_TEST_SUITE;
const timing = { unitDelayMs: 1000, initialNotaryDelayMs: 300, dkgIntervalLength: 19 };
const { operator } = dealNetwork(
  {
    seed: 'operator',
    subnets: [{ type: 'system', nodes: 1 }],
    timing,
    limits: subnetParametersFor('system', timing).executionLimits ?? 'classroom',
    genesisTimeNs: 1n,
  },
  INSECURE_TEST_SUITE,
);
const SECRET = new Uint8Array(32).fill(3);
const rootKeyDer = wrapBls(bls.publicKey(SECRET));
const call = operatorCall(operator, canisterIdFromU64(9n), Uint8Array.of(1), 5n);

type Leaves = Readonly<Record<string, string>>;

function certificateOf(
  leaves: Leaves,
  { id = call.requestId, secret = SECRET }: { id?: Uint8Array; secret?: Uint8Array } = {},
) {
  const entries = Object.entries(leaves).map(
    ([label, text]) => [encodeUtf8(label), leaf(encodeUtf8(text))] as const,
  );
  const state = labeledMap([
    [encodeUtf8('request_status'), labeledMap([[id, labeledMap(entries)]])],
  ]);
  const paths = entries.map(([label]) => [encodeUtf8('request_status'), id, label]);
  const signature = bls.sign(secret, stateRootSigningBytes(digest(state)));
  return { tree: witness(state, paths), signature };
}

function outcome(status: number, body: Uint8Array | string): string {
  const bytes = typeof body === 'string' ? encodeUtf8(body) : body;
  const judged = outcomeOf(call, { status, body: bytes }, { rootKeyDer, bls });
  return judged.ok ? 'made' : `${judged.error.code}: ${judged.error.message}`;
}

function certified(leaves: Leaves, more?: Parameters<typeof certificateOf>[1]): string {
  return outcome(200, encodeCbor({ certificate: encodeCertificate(certificateOf(leaves, more)) }));
}

describe('what became of a call of the operator', () => {
  it('is open while no root node can say, refused when one says so', () => {
    expect(outcomeOf(call, null, { rootKeyDer, bls }).ok).toBe(false);
    for (const status of [202, 429, 500, 503]) {
      expect(outcome(status, '')).toContain('REGISTRY_CALL_OPEN');
    }
    expect(outcome(400, 'no such canister')).toMatch(/^REGISTRY_CALL_FAILED.*no such canister/u);
    const rejected = encodeCbor({ reject_message: 'not an operator' });
    expect(outcome(200, rejected)).toBe('REGISTRY_CALL_REJECTED: not an operator');
  });

  it('is what the root subnet certified of this very call', () => {
    expect(certified({ status: 'replied' })).toBe('made');
    expect(certified({ status: 'rejected', reject_message: 'a gap' })).toBe(
      'REGISTRY_CALL_REJECTED: a gap',
    );
    expect(certified({ status: 'processing' })).toContain('REGISTRY_CALL_OPEN');
    const other = new Uint8Array(32).fill(1);
    expect(certified({ status: 'replied' }, { id: other })).toContain('REGISTRY_CALL_OPEN');
  });

  it('counts under the root key alone, and not by delegation', () => {
    const secret = new Uint8Array(32).fill(4);
    const code = 'REGISTRY_CALL_UNCERTIFIED';
    expect(certified({ status: 'replied' }, { secret })).toContain(code);
    // Even where the delegation names the root itself, by its own word.
    const own = certificateOf({ status: 'replied' });
    const path = [encodeUtf8('subnet'), Uint8Array.of(1), encodeUtf8('public_key')] as const;
    const state = labeledMap([
      [path[0], labeledMap([[path[1], labeledMap([[path[2], leaf(rootKeyDer)]])]])],
    ]);
    const signature = bls.sign(SECRET, stateRootSigningBytes(digest(state)));
    const certificate = encodeCertificate({ tree: witness(state, [path]), signature });
    const delegation = { subnetId: '01' as never, certificate };
    const delegated = encodeCertificate({ ...own, delegation });
    expect(outcome(200, encodeCbor({ certificate: delegated }))).toContain(code);
  });
});
