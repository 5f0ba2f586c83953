import assert from 'node:assert/strict';
import type { HashHex, NodeId } from '../../src/protocol/types/ids.ts';
import {
  assertRefused,
  type ContractCase,
  type ContractHost,
  nodeAt,
  passUntilAllReach,
} from './contract-host.ts';

/** What a script may ask wrongly: a coded error each time, and a network that goes on. */

const STRANGER = 'ff' as NodeId;

async function refusesFaults({ network }: ContractHost): Promise<void> {
  const { faults } = network;
  const [first, second] = [nodeAt(network, 0), nodeAt(network, 1)];
  assertRefused(await faults.kill(STRANGER), 'NODE_UNKNOWN', 'kill of a stranger');
  assertRefused(await faults.restart(STRANGER), 'NODE_UNKNOWN', 'restart of a stranger');
  assertRefused(await faults.restart(first), 'NODE_ALREADY_RUNNING', 'restart of a running node');
  const strangers = await faults.partition([[STRANGER]]);
  assertRefused(strangers, 'NODE_UNKNOWN', 'partition with a stranger');
  assertRefused(await faults.partition([[first], [first]]), 'INVALID_ARGUMENT', 'twice the same');
  for (const [from, to] of [
    [STRANGER, first],
    [first, STRANGER],
  ] as const) {
    assertRefused(await faults.setLink(from, to, {}), 'NODE_UNKNOWN', 'link of a stranger');
  }
  assertRefused(await faults.setLink(first, first, {}), 'INVALID_ARGUMENT', 'link to itself');
  for (const wrong of [{ lossPercent: 101 }, { delayMs: -1 }, { delayMs: 0.5 }, { speed: 1 }]) {
    const refused = await faults.setLink(first, second, wrong);
    assertRefused(refused, 'INVALID_ARGUMENT', `link with ${JSON.stringify(wrong)}`);
  }
}

async function refusesClockAndArtifacts({ network }: ContractHost): Promise<void> {
  const { clock, inspect } = network;
  for (const rate of [-1, 0, Number.NaN, Number.POSITIVE_INFINITY]) {
    assertRefused(await clock.setRate(rate), 'INVALID_ARGUMENT', `a rate of ${rate}`);
  }
  const pace = await clock.setPace('leisurely' as 'turbo');
  assertRefused(pace, 'INVALID_ARGUMENT', 'an unknown pace');
  const unknown = { kind: 'notarization', height: 100_000 } as const;
  assertRefused(await inspect.verify(unknown), 'ARTIFACT_UNKNOWN', 'verify beyond the chain');
  assertRefused(await inspect.artifact(unknown), 'ARTIFACT_UNKNOWN', 'look beyond the chain');
  const nothing = await inspect.block('00'.repeat(32) as HashHex);
  assertRefused(nothing, 'ARTIFACT_UNKNOWN', 'an unknown block');
  for (const wrong of [
    { kind: 'opinion' as 'block', height: 1 },
    { kind: 'block', height: -1 },
    { kind: 'block', height: 0.5 },
  ] as const) {
    const refused = await inspect.verify(wrong);
    assertRefused(refused, 'INVALID_ARGUMENT', `reference ${JSON.stringify(wrong)}`);
  }
}

const JUNK: readonly (readonly [name: string, body: Uint8Array])[] = [
  ['nothing', new Uint8Array(0)],
  ['noise', Uint8Array.from({ length: 300 }, (_, index) => (index * 73 + 41) % 256)],
  ['half an envelope', Uint8Array.of(0xd9, 0xd9, 0xf7, 0xa1, 0x67, 0x63, 0x6f)],
  ['deep nesting', new Uint8Array(10_000).fill(0x81)],
  ['an endless text', Uint8Array.of(0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
];

async function refusesRequests(host: ContractHost): Promise<void> {
  const { network } = host;
  await passUntilAllReach(host, 1);
  const status = await network.fetch('http://subnet.test/api/v2/status');
  assert.equal(status.status, 200);
  assert.equal(status.headers.get('content-type'), 'application/cbor');
  assert.equal((await network.fetch('http://subnet.test/nowhere')).status, 404);
  const endpoints = ['v2', 'v3', 'v4'].map((version) => `${version}/canister/aaaaa-aa/call`);
  for (const path of [...endpoints, 'v3/canister/aaaaa-aa/query', 'v2/subnet/aa/read_state']) {
    for (const [name, body] of JUNK) {
      const init = { method: 'POST', body: body.slice() };
      const answer = await network.fetch(`http://subnet.test/api/${path}`, init);
      assert.ok(answer.status >= 400 && answer.status < 500, `${path}, ${name}: ${answer.status}`);
      assert.notEqual(await answer.text(), '', `${path}, ${name}: no reason is given`);
    }
  }
  const aborted = AbortSignal.abort();
  const url = 'http://subnet.test/api/v2/status';
  await assert.rejects(network.fetch(url, { signal: aborted }), { name: 'AbortError' });
  const { nodes } = await network.snapshot();
  assert.ok(nodes.every(({ state }) => state === 'running'));
}

async function refusesWhenClosed(host: ContractHost): Promise<void> {
  const { network } = host;
  const [first, second] = [nodeAt(network, 0), nodeAt(network, 1)];
  await passUntilAllReach(host, 1);
  await network.close();
  await network.close();
  const { faults, clock, inspect, registry } = network;
  const answers = {
    kill: await faults.kill(first),
    restart: await faults.restart(first),
    setLink: await faults.setLink(first, second, { delayMs: 5 }),
    partition: await faults.partition([[first]]),
    heal: await faults.heal(),
    setNode: await faults.setNode(first, { paused: true }),
    wipe: await faults.wipe(first),
    setMalicious: await faults.setMalicious(first, []),
    registry: await registry.update({ kind: 'setHalted', halted: true }),
    pause: await clock.pause(),
    resume: await clock.resume(),
    setRate: await clock.setRate(1),
    setPace: await clock.setPace('turbo'),
    step: await clock.step(),
    artifact: await inspect.artifact({ kind: 'finalization', height: 1 }),
    verify: await inspect.verify({ kind: 'finalization', height: 1 }),
    block: await inspect.block('00'.repeat(32) as HashHex),
  };
  for (const [name, answer] of Object.entries(answers)) {
    assertRefused(answer, 'NETWORK_CLOSED', name);
  }
  const url = 'http://subnet.test/api/v2/status';
  await assert.rejects(network.fetch(url), { name: 'TypeError' }, 'fetch of a closed network');
  const { nodes } = await network.snapshot();
  assert.deepEqual(new Set(nodes.map(({ state }) => state)), new Set(['stopped']));
  assert.equal(network.rootKey().length, 133, 'what it was can still be read');
}

export const REFUSAL_CASES: readonly ContractCase[] = [
  { title: 'refuses faults that make no sense, with a code', run: refusesFaults },
  { title: 'refuses clocks and artifacts that make no sense', run: refusesClockAndArtifacts },
  { title: 'answers junk over HTTP with a reason and goes on', run: refusesRequests },
  { title: 'refuses everything once it is closed', run: refusesWhenClosed },
];
