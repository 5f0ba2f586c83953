import assert from 'node:assert/strict';
import { applyBatch } from '../../src/wire/project-network.ts';
import { initialProjection } from '../../src/wire/projection.ts';
import type { TelemetryBatch } from '../../src/wire/telemetry.ts';
import { AGENT_CASES } from './agent-cases.ts';
import {
  assertRefused,
  assertStandsStill,
  type ContractCase,
  type ContractHost,
  heights,
  highest,
  nodeAt,
  passUntil,
  passUntilAllReach,
  valueOf,
} from './contract-host.ts';
import { FAULT_CASES } from './fault-cases.ts';
import { REGISTRY_CASES } from './registry-cases.ts';
import { REFUSAL_CASES } from './refusal-cases.ts';

async function describesItself({ network }: ContractHost): Promise<void> {
  const [subnet, ...others] = network.topology().subnets;
  assert.ok(subnet !== undefined && others.length === 0, 'one subnet');
  assert.equal(subnet.nodes.length, 4);
  const labels = subnet.nodes.map(({ label, index }) => `${index}: ${label}`);
  assert.deepEqual(labels, ['0: Node 1', '1: Node 2', '2: Node 3', '3: Node 4']);
  assert.equal(new Set(subnet.nodes.map(({ nodeId }) => nodeId)).size, 4);
  assert.equal(subnet.faultsTolerated, 1);
  assert.equal(subnet.notarizationThreshold, 3);
  assert.equal(subnet.cryptoName, 'bls12-381', 'no host starts with test crypto by itself');
  assert.equal(network.rootKey().length, 133);
  assert.deepEqual(network.rootKey(), subnet.publicKeyDer, 'the only subnet is the root');
  const { nodes, clock, spec } = await network.snapshot();
  assert.deepEqual(spec, network.spec);
  assert.deepEqual(
    nodes.map(({ nodeId }) => nodeId),
    subnet.nodes.map(({ nodeId }) => nodeId),
  );
  assert.ok(nodes.every(({ state, reason }) => state === 'running' && reason === null));
  assert.equal(clock.pace, spec.pace);
  assert.deepEqual([clock.rate, clock.paused], [1, false]);
}

async function agreesOnStates(host: ContractHost): Promise<void> {
  await passUntilAllReach(host, 5);
  const { nodes } = await host.network.snapshot();
  const roots = new Map<number, string | null>();
  for (const { heights: own, stateRoot } of nodes) {
    assert.ok(own.executed > 0 && stateRoot !== null, 'a node has executed nothing');
    const known = roots.get(own.executed) ?? stateRoot;
    assert.equal(stateRoot, known, `the state root at height ${own.executed}`);
    roots.set(own.executed, stateRoot);
    assert.ok(own.notarized >= own.finalized && own.finalized >= own.executed);
    assert.ok(own.executed >= own.certified);
  }
}

async function survivesKills(host: ContractHost): Promise<void> {
  const { network } = host;
  const [third, fourth] = [nodeAt(network, 2), nodeAt(network, 3)];
  await passUntilAllReach(host, 3);
  valueOf(await network.faults.kill(fourth), 'kill of the fourth node');
  assertRefused(await network.faults.kill(fourth), 'NODE_NOT_RUNNING', 'a second kill');
  assert.equal((await network.snapshot()).nodes[3]?.state, 'stopped');
  const before = await highest(network);
  const goesOn = async (): Promise<boolean> => (await highest(network)) >= before + 5;
  await passUntil(host, goesOn, 60_000, 'three of four go on');
  valueOf(await network.faults.kill(third), 'kill of the third node');
  const halted = await assertStandsStill(host, 6_000);
  valueOf(await network.faults.restart(third), 'restart of the third node');
  valueOf(await network.faults.restart(fourth), 'restart of the fourth node');
  assertRefused(await network.faults.restart(fourth), 'NODE_ALREADY_RUNNING', 'a second restart');
  await passUntilAllReach(host, halted + 5);
  const { nodes } = await network.snapshot();
  assert.ok(nodes.every(({ state }) => state === 'running'));
}

async function survivesPartition(host: ContractHost): Promise<void> {
  const { network } = host;
  const ids = [0, 1, 2, 3].map((index) => nodeAt(network, index));
  await passUntilAllReach(host, 2);
  valueOf(await network.faults.partition([ids.slice(0, 2)]), 'partition');
  const halted = await assertStandsStill(host, 4_000);
  valueOf(await network.faults.heal(), 'heal');
  await passUntilAllReach(host, halted + 3);
}

async function tellsItsLinks(host: ContractHost): Promise<void> {
  const { network } = host;
  const [from, to] = [nodeAt(network, 0), nodeAt(network, 1)];
  const told: unknown[] = [];
  const stop = network.events.subscribe(({ events }) => {
    told.push(...events.filter((event) => event.kind === 'linkChanged'));
  });
  // A subscriber is first told what is no longer as at the start; here nothing is.
  await host.pass(500);
  const usual = network.spec.links;
  valueOf(await network.faults.setLink(from, to, { cut: true }), 'cut');
  // Fields that are left out are those of the spec, not those of the change before.
  valueOf(await network.faults.setLink(from, to, { delayMs: 5 }), 'delay');
  valueOf(await network.faults.setLink(from, to, null), 'as at the start');
  await host.pass(500);
  stop();
  assert.deepEqual(told, [
    { kind: 'linkChanged', from, to, conditions: { ...usual, cut: true } },
    { kind: 'linkChanged', from, to, conditions: { ...usual, delayMs: 5 } },
    { kind: 'linkChanged', from, to, conditions: usual },
  ]);
}

async function obeysItsClock(host: ContractHost): Promise<void> {
  const { network } = host;
  await passUntilAllReach(host, 2);
  valueOf(await network.clock.pause(), 'pause');
  const still = await assertStandsStill(host, 3_000);
  const { clock } = await network.snapshot();
  assert.deepEqual([clock.rate, clock.paused], [0, true]);
  await host.pass(500);
  const later = await network.snapshot();
  assert.equal(later.clock.timeNs, clock.timeNs, 'the time of a paused network stands still');
  const stepped = valueOf(await network.clock.step(), 'step');
  // A node may be a block ahead of the others when all are told to stop.
  assert.ok(stepped > still && stepped <= still + 2, `stepped from ${still} to ${stepped}`);
  assert.equal((await network.snapshot()).clock.paused, true, 'paused after a step');
  await assertStandsStill(host, 2_000);
  valueOf(await network.clock.resume(), 'resume');
  await passUntilAllReach(host, stepped + 3);
  const resumed = (await network.snapshot()).clock;
  assert.ok(resumed.timeNs > clock.timeNs && !resumed.paused);
  valueOf(await network.clock.setRate(0.5), 'half speed');
  valueOf(await network.clock.setPace('classroom'), 'another pace');
  const slowed = (await network.snapshot()).clock;
  assert.deepEqual([slowed.rate, slowed.pace], [0.5, 'classroom']);
}

const VERIFIABLE = [
  'block',
  'notarization',
  'finalization',
  'randomBeacon',
  'randomTape',
  'certification',
] as const;

async function showsProofs(host: ContractHost): Promise<void> {
  const { network } = host;
  let projection = initialProjection(network.topology());
  const stop = network.events.subscribe((batch) => {
    projection = applyBatch(projection, batch);
  });
  await passUntilAllReach(host, 4);
  await host.pass(1_000);
  const block = projection.heights
    .find((view) => view.height === 2)
    ?.blocks.find((other) => other.state === 'finalized');
  assert.ok(block !== undefined, 'the finalized block of height 2 is in the projection');
  const details = valueOf(await network.inspect.block(block.facts.hash), 'block details');
  assert.equal(details.facts.height, 2);
  assert.equal(details.facts.hash, block.facts.hash);
  assert.ok((details.notarization?.signers.length ?? 0) >= 3, 'who notarized it');
  for (const kind of VERIFIABLE) {
    const verified = valueOf(await network.inspect.verify({ kind, height: 2 }), kind);
    assert.equal(verified.valid, true, kind);
    assert.ok(verified.steps.every(({ holds }) => holds));
    assert.ok(verified.signatureHex.length >= 96 && verified.messageHex.length > 0, kind);
  }
  assert.ok(projection.nodes.every((node) => node.heights.finalized >= 4));
  assert.ok(projection.feed.some((entry) => entry.text.includes('is final')));
  assert.deepEqual(projection.violations, []);
  stop();
}

async function tellsLateSubscribers(host: ContractHost): Promise<void> {
  const { network } = host;
  await passUntilAllReach(host, 3);
  valueOf(await network.faults.kill(nodeAt(network, 3)), 'kill');
  const batches: TelemetryBatch[] = [];
  const stop = network.events.subscribe((batch) => {
    batches.push(batch);
  });
  await host.pass(1_000);
  const projection = batches.reduce(applyBatch, initialProjection(network.topology()));
  const conditions = projection.nodes.map((node) => node.condition);
  assert.deepEqual(conditions, ['running', 'running', 'running', 'stopped']);
  const [killed, ...running] = projection.nodes.toReversed();
  assert.ok(running.every((node) => node.heights.finalized >= 3));
  // What it did in its last moments dies with it, untold; the snapshot knows no more either.
  const { nodes } = await network.snapshot();
  assert.equal(killed?.heights.finalized, nodes.at(-1)?.heights.finalized);
  const latest = new Map<string, number>();
  for (const { from, seq, v } of batches) {
    assert.equal(v, 1);
    assert.ok(seq > (latest.get(from) ?? -1), `batch ${seq} of ${from} comes in order`);
    latest.set(from, seq);
  }
  stop();
  await host.pass(500);
  const count = batches.length;
  await host.pass(2_000);
  assert.equal(batches.length, count, 'a subscription that was ended gets nothing more');
  assert.ok((await heights(network)).length === 4);
}

/** What every host of `Network` must do. */
export const NETWORK_CONTRACT: readonly ContractCase[] = [
  { title: 'describes itself: nodes, thresholds, keys, clock', run: describesItself },
  { title: 'finalizes on every node and keeps their state roots equal', run: agreesOnStates },
  ...AGENT_CASES,
  {
    title: 'goes on with one node killed, halts with two, and both catch up after a restart',
    run: survivesKills,
  },
  { title: 'halts in two halves and goes on when they meet again', run: survivesPartition },
  { title: 'tells every change of a link with all its conditions', run: tellsItsLinks },
  { title: 'pauses, steps by a block, resumes, slows down', run: obeysItsClock },
  { title: 'shows blocks and proofs, and verifies them', run: showsProofs },
  {
    title: 'tells a late subscriber the newest facts, each sender in order',
    run: tellsLateSubscribers,
  },
  ...FAULT_CASES,
  ...REGISTRY_CASES,
  ...REFUSAL_CASES,
];
