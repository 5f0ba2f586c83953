import assert from 'node:assert/strict';
import {
  assertRefused,
  type ContractCase,
  type ContractHost,
  highest,
  nodeAt,
  passUntil,
  passUntilAllReach,
  valueOf,
} from './contract-host.ts';

const CATCH_UP_LIMIT_MS = 60_000;

async function reachesTheOthers(host: ContractHost, index: number, what: string): Promise<void> {
  const target = await highest(host.network);
  const reached = async (): Promise<boolean> => {
    const { nodes } = await host.network.snapshot();
    return (nodes[index]?.heights.executed ?? 0) >= target;
  };
  await passUntil(host, reached, CATCH_UP_LIMIT_MS, what);
}

/** The disk fails, then it is erased: the node says why it ended, and comes back both times. */
async function survivesItsDisk(host: ContractHost): Promise<void> {
  const { network } = host;
  const node = nodeAt(network, 0);
  await passUntilAllReach(host, 2);
  valueOf(await network.faults.setNode(node, { failWrites: true }), 'failing disk');
  const stateOf = async () => (await network.snapshot()).nodes[0];
  const crashed = async (): Promise<boolean> => (await stateOf())?.state === 'crashed';
  await passUntil(host, crashed, CATCH_UP_LIMIT_MS, 'the node ends when it cannot store');
  assert.match((await stateOf())?.reason ?? '', /the disk failed/);
  valueOf(await network.faults.setNode(node, null), 'disk works again');
  valueOf(await network.faults.restart(node), 'restart');
  await reachesTheOthers(host, 0, 'it catches up after its disk failed');

  assertRefused(await network.faults.wipe(node), 'NODE_ALREADY_RUNNING', 'wipe while it runs');
  valueOf(await network.faults.kill(node), 'kill');
  valueOf(await network.faults.wipe(node), 'wipe');
  valueOf(await network.faults.restart(node), 'restart');
  await reachesTheOthers(host, 0, 'it catches up from nothing');
}

/** A node that hangs stands still while the others go on; healing undoes it. */
async function survivesAHang(host: ContractHost): Promise<void> {
  const { network } = host;
  const node = nodeAt(network, 1);
  await passUntilAllReach(host, 2);
  valueOf(await network.faults.setNode(node, { paused: true }), 'hang');
  await host.pass(500);
  const before = (await network.snapshot()).nodes[1]?.heights.finalized ?? 0;
  const target = before + 3;
  const othersGoOn = async (): Promise<boolean> => (await highest(network)) >= target;
  await passUntil(host, othersGoOn, CATCH_UP_LIMIT_MS, 'the others go on');
  const hanging = (await network.snapshot()).nodes[1];
  assert.deepEqual([hanging?.state, hanging?.heights.finalized], ['running', before]);
  valueOf(await network.faults.heal(), 'heal');
  await reachesTheOthers(host, 1, 'it catches up after it hung');
}

async function refusesBadConditions(host: ContractHost): Promise<void> {
  const { faults } = host.network;
  const node = nodeAt(host.network, 0);
  for (const wrong of [
    { cpuSlowdown: 0 },
    { diskDelayMs: -1 },
    { clockOffsetMs: 0.5 },
    { paused: 'yes' },
    { unknown: 1 },
  ]) {
    const refused = await faults.setNode(node, wrong as never);
    assertRefused(refused, 'INVALID_ARGUMENT', JSON.stringify(wrong));
  }
  assertRefused(await faults.setNode('ff' as never, {}), 'NODE_UNKNOWN', 'a stranger');
  assertRefused(await faults.wipe('ff' as never), 'NODE_UNKNOWN', 'a stranger');
}

export const FAULT_CASES: readonly ContractCase[] = [
  { title: 'survives a disk that fails and a disk that is erased', run: survivesItsDisk },
  { title: 'survives a node that hangs', run: survivesAHang },
  { title: 'refuses conditions that no node can have', run: refusesBadConditions },
];
