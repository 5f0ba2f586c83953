import { describe, expect, it } from 'vitest';
import { canisterIdFromU64, principalToBytes, principalToText } from '../crypto/principal.ts';
import { encodeCbor } from '../crypto/cbor.ts';
import { createNodeCrypto } from '../crypto/node-crypto.ts';
import { wrapBls } from '../crypto/der.ts';
import { INSECURE_TEST_SUITE } from '../crypto/insecure-test-crypto.ts';
import { dealSubnet } from '../registry/genesis.ts';
import { decodeArtifact, encodeArtifact, sealArtifact } from '../types/artifact-codec.ts';
import type { Artifact } from '../types/artifacts.ts';
import { artifactKey } from '../types/artifacts.ts';
import type { HashHex } from '../types/ids.ts';
import { createNodeCore } from './node-core.ts';
import type { HttpRequest, NodeCore, NodeOutput } from './node-io.ts';
import { subnetParametersFor } from './subnet-parameters.ts';

const START_NS = 1_735_689_600_000_000_000n;
const NS_PER_MS = 1_000_000n;

function startLoneNode(stored: ReadonlyMap<string, Uint8Array>): NodeCore {
  const timing = { unitDelayMs: 1000, initialNotaryDelayMs: 300, dkgIntervalLength: 99 };
  const parameters = subnetParametersFor('application', timing);
  const { genesis, secrets } = dealSubnet(
    { seed: 'stopped', index: 0, nodes: 1, parameters, genesisTimeNs: START_NS },
    INSECURE_TEST_SUITE,
  );
  const [own] = secrets;
  if (own === undefined) {
    throw new RangeError('no node was dealt');
  }
  return createNodeCore({
    nodeId: own.nodeId,
    genesis,
    crypto: createNodeCrypto(genesis, own, INSECURE_TEST_SUITE),
    rootKeyDer: wrapBls(genesis.highTranscript.publicKey),
    incarnation: 1,
    seed: 'test',
    stored: [...stored],
  });
}

/** Runs the node for some time; its writes go to the disk and are acknowledged at once. */
function run(
  core: NodeCore,
  ms: { readonly from: number; readonly to: number },
  disk: Map<string, Uint8Array>,
): readonly NodeOutput[] {
  const outputs: NodeOutput[] = [];
  for (let at = ms.from; at < ms.to; at += 20) {
    let output = core.step(START_NS + BigInt(at) * NS_PER_MS, []);
    outputs.push(output);
    for (;;) {
      const write = output.effects.find((effect) => effect.kind === 'persist');
      if (write === undefined) {
        break;
      }
      for (const change of write.writes) {
        if (change.op === 'put') {
          disk.set(change.key, change.value);
        } else {
          disk.delete(change.key);
        }
      }
      const { operationId } = write;
      output = core.step(START_NS + BigInt(at) * NS_PER_MS, [{ kind: 'persisted', operationId }]);
      outputs.push(output);
    }
  }
  return outputs;
}

const codesOf = (outputs: readonly NodeOutput[]): readonly string[] =>
  outputs.flatMap(({ trace }) =>
    trace.flatMap((event) => (event.kind === 'criticalError' ? [event.code] : [])),
  );

/** Replaces, or adds beside it, a stored artifact of a kind and height. */
function tamper<K extends 'finalization' | 'certification'>(
  disk: Map<string, Uint8Array>,
  kind: K,
  height: number,
  edit: (artifact: Artifact & { readonly kind: K }) => Artifact,
  isKept: boolean,
): void {
  const key = [...disk.keys()].find((found) => found.startsWith(`artifact/${kind}/${height}/`));
  const decoded = decodeArtifact(disk.get(key ?? '') ?? new Uint8Array(0));
  if (key === undefined || !decoded.ok) {
    throw new RangeError(`no ${kind} of height ${height} on the disk`);
  }
  const edited = edit(decoded.value as Artifact & { readonly kind: K });
  if (!isKept) {
    disk.delete(key);
  }
  disk.set(`artifact/${artifactKey(edited)}`, encodeArtifact(edited));
}

const OTHER = 'ab'.repeat(32) as HashHex;

describe('a node with contradictions on its disk', () => {
  it('CN30: two finalized blocks of a height: it stops, says so once and refuses its clients', () => {
    const disk = new Map<string, Uint8Array>();
    run(startLoneNode(disk), { from: 0, to: 3000 }, disk);
    tamper(disk, 'finalization', 3, (a) => sealArtifact({ ...a, blockHash: OTHER }), true);
    const core = startLoneNode(disk);
    const outputs = run(core, { from: 3000, to: 8000 }, disk);
    expect(codesOf(outputs)).toEqual(['FINALIZED_FORK']);
    expect(outputs.at(-1)).toEqual({ transmits: [], effects: [], trace: [], nextWakeNs: null });
    const request = { method: 'GET', path: '/api/v2/status', body: new Uint8Array(0) };
    const answer = core.step(START_NS + 9000n * NS_PER_MS, [
      { kind: 'httpRequest', requestId: 1, request },
    ]);
    expect(answer.effects).toMatchObject([
      { kind: 'httpReply', requestId: 1, reply: { status: 503 } },
    ]);
  });

  it('CN60: a replay that contradicts an own certification starts over, once, and is not certified', () => {
    const disk = new Map<string, Uint8Array>();
    run(startLoneNode(disk), { from: 0, to: 3000 }, disk);
    tamper(disk, 'certification', 3, (a) => sealArtifact({ ...a, root: OTHER }), false);
    const core = startLoneNode(disk);
    const outputs = run(core, { from: 3000, to: 6000 }, disk);
    expect(codesOf(outputs)).toEqual(['STATE_DIVERGED', 'STATE_DIVERGED']);
    expect(core.status().certified).toBeLessThan(3);
  });
});

describe('a node that starts again', () => {
  const CANISTER = canisterIdFromU64(0n);
  const callTo = (target: string, method: string, arg: Uint8Array, atMs: number): HttpRequest => ({
    method: 'POST',
    path: `/api/v3/canister/${principalToText(CANISTER)}/call`,
    body: encodeCbor({
      content: {
        request_type: 'call',
        canister_id: target === '' ? new Uint8Array(0) : principalToBytes(CANISTER),
        method_name: method,
        arg,
        sender: Uint8Array.of(4),
        ingress_expiry: START_NS + BigInt(atMs + 240_000) * NS_PER_MS,
      },
    }),
  });

  it('judges calls by all that it had finalized, not by the state from which it replays', () => {
    const disk = new Map<string, Uint8Array>();
    const first = startLoneNode(disk);
    run(first, { from: 0, to: 1000 }, disk);
    // DIDL, one record without fields: every setting is left out.
    const arg = Uint8Array.of(0x44, 0x49, 0x44, 0x4c, 1, 0x6c, 0, 1, 0);
    const create = callTo('', 'provisional_create_canister_with_cycles', arg, 1000);
    first.step(START_NS + 1000n * NS_PER_MS, [
      { kind: 'httpRequest', requestId: 1, request: create },
    ]);
    run(first, { from: 1000, to: 6000 }, disk);

    const again = startLoneNode(disk);
    expect(again.status().executed).toBeLessThan(again.status().finalized);
    const request = callTo('it', 'greet', new Uint8Array(0), 6000);
    const outputs = [
      again.step(START_NS + 6000n * NS_PER_MS, [{ kind: 'httpRequest', requestId: 2, request }]),
      ...run(again, { from: 6020, to: 9000 }, disk),
    ];
    const texts = outputs
      .flatMap(({ effects }) => effects)
      .flatMap((effect) =>
        effect.kind === 'httpReply' ? [new TextDecoder().decode(effect.reply.body)] : [],
      );
    expect(texts).toHaveLength(1);
    // The canister is there, without code; the state of the genesis has none.
    expect(texts[0]).toContain('IC0537');
  });
});
