import assert from 'node:assert/strict';
import { compareText } from '../../src/base/bytes.ts';
import type { NodeId } from '../../src/protocol/types/ids.ts';
import type { MaliciousBehaviour } from '../../src/protocol/types/malicious.ts';
import { applyBatch } from '../../src/wire/project-network.ts';
import { initialProjection } from '../../src/wire/projection.ts';
import {
  assertRefused,
  assertStandsStill,
  type ContractCase,
  type ContractHost,
  nodeAt,
  passUntilAllReach,
  valueOf,
} from './contract-host.ts';

/** A proposal halts the subnet, the next one lets it go on. */
async function haltsByProposal(host: ContractHost): Promise<void> {
  const { network } = host;
  await passUntilAllReach(host, 2);
  const before = await network.registry.record();
  const ids = network.topology().subnets[0]?.nodes.map(({ nodeId }) => nodeId) ?? [];
  assert.deepEqual([...before.members], ids.toSorted(compareText));
  assert.deepEqual([before.isHalted, before.version], [false, await network.registry.version()]);
  const halted = valueOf(
    await network.registry.update({ kind: 'setHalted', halted: true }),
    'halt',
  );
  assert.equal(halted, before.version + 1);
  assert.equal((await network.registry.record()).isHalted, true);
  const still = await assertStandsStill(host, 4_000);
  const change = { kind: 'setHalted', halted: false } as const;
  assert.equal(valueOf(await network.registry.update(change), 'go on'), before.version + 2);
  await passUntilAllReach(host, still + 3);
}

async function refusesProposals({ network }: ContractHost): Promise<void> {
  const version = await network.registry.version();
  const [first, second] = [nodeAt(network, 0), nodeAt(network, 1)];
  for (const members of [[], ['ff' as NodeId], [first, first], [first, second, 'ff' as NodeId]]) {
    const refused = await network.registry.update({ kind: 'setMembership', members });
    assertRefused(refused, 'INVALID_ARGUMENT', `members ${JSON.stringify(members)}`);
  }
  assertRefused(
    await network.registry.update({ kind: 'setWeather' } as never),
    'INVALID_ARGUMENT',
    'a change that there is not',
  );
  assert.equal(await network.registry.version(), version, 'a refused change makes no version');
}

/** One of four breaks a rule: the others go on, agree, and safety holds. */
async function standsABadNode(host: ContractHost): Promise<void> {
  const { network } = host;
  const bad = nodeAt(network, 0);
  let projection = initialProjection(network.topology());
  const stop = network.events.subscribe((batch) => {
    projection = applyBatch(projection, batch);
  });
  const behaviours: readonly MaliciousBehaviour[] = [{ kind: 'equivocate', blocks: 2 }];
  await passUntilAllReach(host, 1);
  valueOf(await network.faults.setMalicious(bad, behaviours), 'attack');
  await passUntilAllReach(host, 8);
  await host.pass(500);
  stop();
  assert.deepEqual(projection.violations, []);
  valueOf(await network.faults.setMalicious(bad, []), 'honest again');
  for (const wrong of ['equivocate', [{ kind: 'unknown' }], [null], { kind: 'equivocate' }]) {
    const refused = await network.faults.setMalicious(bad, wrong as never);
    assertRefused(refused, 'INVALID_ARGUMENT', `behaviours ${JSON.stringify(wrong)}`);
  }
  const stranger = await network.faults.setMalicious('ff' as NodeId, behaviours);
  assertRefused(stranger, 'NODE_UNKNOWN', 'an attack by a stranger');
}

export const REGISTRY_CASES: readonly ContractCase[] = [
  { title: 'halts by a proposal and goes on by the next', run: haltsByProposal },
  { title: 'refuses proposals that make no subnet', run: refusesProposals },
  { title: 'goes on and stays safe with a node that proposes two blocks', run: standsABadNode },
];
