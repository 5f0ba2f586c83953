import { afterEach, expect, it } from 'vitest';
import { present } from '../../src/base/assert.ts';
import { bytesToHex } from '../../src/base/hex.ts';
import { INSECURE_TEST_SUITE } from '../../src/protocol/crypto/insecure-test-crypto.ts';
import { canisterIdFromU64 } from '../../src/protocol/crypto/principal.ts';
import { dealNetwork } from '../../src/protocol/registry/deal-network.ts';
import { encodeDelta } from '../../src/protocol/registry/records/changelog.ts';
import { mutation } from '../../src/protocol/registry/records/genesis-batch.ts';
import {
  CANISTER_MIGRATIONS_KEY,
  canisterRangesKey,
} from '../../src/protocol/registry/records/keys.ts';
import {
  CANISTER_MIGRATIONS,
  CANISTER_RANGES,
} from '../../src/protocol/registry/records/records.ts';
import { createRegistryDesk } from '../../src/protocol/registry/registry-desk.ts';
import type { NodeId } from '../../src/protocol/types/ids.ts';
import { createSimNetwork, DEFAULT_START_NS, type SimNetwork } from '../../src/sim/sim-network.ts';
import { dealSpecOf } from '../../src/wire/deal-spec.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import { CALLER_WAT, decodeForwarded, type Forwarded, forwardTo } from '../support/caller-wat.ts';
import { VirtualClient } from '../support/virtual-client.ts';
import { compileWat } from '../support/wat.ts';

const SPEC = {
  ...defaultNetworkSpec({ seed: 'rerouting', pace: 'mainnet' as const }),
  subnets: [
    { type: 'system' as const, nodes: 1 },
    { type: 'application' as const, nodes: 1 },
    { type: 'application' as const, nodes: 1 },
  ],
};
const PER_SUBNET = 1n << 20n;

let network: SimNetwork;
afterEach(() => network.close());

/** A version of the registry, as the network's operator makes it: a signed call of the root subnet. */
async function changeRegistry(delta: Uint8Array): Promise<void> {
  const spec = dealSpecOf(SPEC, DEFAULT_START_NS);
  const dealt = dealNetwork(spec, INSECURE_TEST_SUITE);
  const desk = createRegistryDesk(spec, dealt, INSECURE_TEST_SUITE);
  const call = desk.call(delta, network.clock.now().timeNs);
  let answer: Response | undefined;
  const init = { method: 'POST', body: call.request.body.slice() };
  void network.fetch(`http://x${call.request.path}`, init).then((response) => {
    answer = response;
  });
  for (let i = 0; answer === undefined && i < 1000; i += 1) {
    network.runFor(20);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { status } = present(answer, 'the root answers the operator');
  const body = new Uint8Array(await present(answer, 'it does').arrayBuffer());
  expect(desk.outcome(call, { status, body })).toEqual({ ok: true, value: null });
}

it('a canister that moved: who routes by the older registry version is told to try again, then calls the other subnet', async () => {
  network = createSimNetwork(SPEC, { crypto: 'insecure-test-crypto', traceHash: false });
  const nodeOf = (subnet: number): NodeId =>
    present(network.topology().subnets[subnet]?.nodes[0], 'a subnet has a node').nodeId;
  const [root, near, far] = [nodeOf(0), nodeOf(1), nodeOf(2)];
  const versionStoredBy = (id: NodeId): number =>
    [...(network.diskOf(id)?.keys() ?? [])].filter((key) => key.startsWith('registry/')).length;
  network.runFor(3000);
  const client = new VirtualClient(network);
  const wasm = await compileWat(CALLER_WAT);
  const caller = canisterIdFromU64(PER_SUBNET + 7n);
  const callee = canisterIdFromU64(2n * PER_SUBNET + 7n);
  await client.install(caller, wasm);
  await client.install(callee, wasm);
  const ask = async (): Promise<Forwarded> => {
    const arg = forwardTo(callee, 'echo', 0n, Uint8Array.of(5));
    return decodeForwarded(bytesToHex(await client.update(caller, 'forward', arg)));
  };
  expect(await ask()).toMatchObject({ data: expect.any(Buffer) });

  // The caller's subnet does not hear of the next version: only the callee's reaches the root.
  for (const [from, to] of [
    [root, near],
    [near, root],
  ] as const) {
    await network.faults.setLink(from, to, { cut: true });
  }
  const [first, last] = [2n * PER_SUBNET, 3n * PER_SUBNET - 1n];
  const [rootId, , farId] = network.topology().subnets.map(({ subnetId }) => subnetId);
  const [to, from] = [present(rootId, 'root'), present(farId, 'the last subnet')];
  await changeRegistry(
    encodeDelta({
      version: 2,
      mutations: [
        mutation('update', canisterRangesKey(first), CANISTER_RANGES, [
          { first, last, subnetId: to },
        ]),
        mutation('insert', CANISTER_MIGRATIONS_KEY, CANISTER_MIGRATIONS, [
          { first, last, trace: [from, to] },
        ]),
      ],
    }),
  );
  expect(network.runUntil(() => versionStoredBy(far) === 2, 30_000)).toBe(true);
  network.runFor(5000);
  expect(versionStoredBy(near)).toBe(1);
  expect(await ask()).toEqual({ code: 2, text: 'Canister migration in progress' });

  await network.faults.heal();
  expect(network.runUntil(() => versionStoredBy(near) === 2, 60_000)).toBe(true);
  network.runFor(5000);
  // The root hosts the range now; the canister itself, which nobody carried over, is not there.
  expect(await ask()).toEqual({ code: 3, text: expect.stringMatching(/not found/u) });
  expect(network.violations).toEqual([]);
});
