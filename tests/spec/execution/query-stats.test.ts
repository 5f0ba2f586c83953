import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { QueryHandler } from '../../../src/protocol/execution/query/execute-query.ts';
import { QueryStatsCollector } from '../../../src/protocol/execution/query/query-stats-collector.ts';
import { QueryStatsPayloads } from '../../../src/protocol/ingress/query-stats-payloads.ts';
import { QUERY_STATS_EPOCH_BLOCKS } from '../../../src/protocol/limits/query.ts';
import { decodeSystemState } from '../../../src/protocol/replicated-state/decode-state.ts';
import { encodeSystemState } from '../../../src/protocol/replicated-state/encode-state.ts';
import type { CanisterId, NodeId } from '../../../src/protocol/types/ids.ts';
import type { QueryCounts } from '../../../src/protocol/types/query-stats.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { answer, program } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';

const NODES = ['01', '02', '03', '04'] as readonly string[] as readonly NodeId[];

/** One node's part: what it counts and what it puts into its blocks. */
class Node {
  readonly collector = new QueryStatsCollector();
  readonly handler: QueryHandler;
  readonly payloads: QueryStatsPayloads;
  readonly id: NodeId;

  constructor(id: NodeId, subnet: TestSubnet) {
    this.id = id;
    this.handler = new QueryHandler(subnet.env, { stats: this.collector });
    this.payloads = new QueryStatsPayloads(id, this.collector);
  }
}

describe('query statistics', () => {
  let wasm: Uint8Array;
  let subnet: TestSubnet;
  let nodes: readonly Node[];
  let canister: CanisterId;
  const query = program(answer('four'));

  beforeAll(async () => {
    wasm = await universalWasm();
  });
  beforeEach(() => {
    subnet = new TestSubnet();
    canister = subnet.createWith(wasm);
    nodes = NODES.map((id) => new Node(id, subnet));
  });

  const ask = (node: Node, times: number): void => {
    for (let i = 0; i < times; i += 1) {
      subnet.ask(canister, 'query', query.bytes, node.handler);
    }
  };
  /** Blocks until a height, made by the nodes in turn. */
  const blocksTo = (height: number, makers = nodes): void => {
    while (subnet.state.height < height) {
      const maker = makers[subnet.state.height % makers.length] as Node;
      const queryStats = maker.payloads.next(subnet.state.height, subnet.state);
      subnet.round([], { blockMaker: maker.id, ...(queryStats && { queryStats }) });
    }
  };
  const totals = (): QueryCounts => subnet.canister(canister).queryTotals;

  it('adds the median of what nodes counted, times their number, after an epoch and one to report', () => {
    ask(nodes[0] as Node, 3);
    ask(nodes[1] as Node, 2);
    ask(nodes[2] as Node, 2);
    ask(nodes[3] as Node, 90);
    blocksTo(2 * QUERY_STATS_EPOCH_BLOCKS - 1);
    expect(totals().calls).toBe(0n);
    blocksTo(2 * QUERY_STATS_EPOCH_BLOCKS);
    // Sorted 2, 2, 3, 90: the upper one of the two in the middle. A cached answer counts like the first.
    expect(totals()).toEqual({
      calls: 12n,
      instructions: totals().instructions,
      requestBytes: BigInt(3 * query.bytes.length * 4),
      responseBytes: 48n,
    });
    expect(totals().instructions).toBeGreaterThan(12_000n);
    expect(subnet.state.queryStats.reports).toEqual([]);
    blocksTo(3 * QUERY_STATS_EPOCH_BLOCKS);
    expect(totals().calls).toBe(12n);
    ask(nodes[0] as Node, 1);
    ask(nodes[1] as Node, 1);
    ask(nodes[2] as Node, 1);
    blocksTo(5 * QUERY_STATS_EPOCH_BLOCKS);
    expect(totals().calls).toBe(16n);
  });

  it('leaves out an epoch that fewer than n − f nodes reported', () => {
    for (const node of nodes) {
      ask(node, 5);
    }
    blocksTo(2 * QUERY_STATS_EPOCH_BLOCKS, nodes.slice(0, 2));
    expect(totals().calls).toBe(0n);
  });

  it('counts three of four nodes, and a node that says nothing of a canister as none', () => {
    ask(nodes[0] as Node, 5);
    ask(nodes[1] as Node, 7);
    blocksTo(2 * QUERY_STATS_EPOCH_BLOCKS, nodes.slice(0, 3));
    expect(totals().calls).toBe(20n);
  });

  it('takes a node at its first word, and no report of an epoch that goes on or is over', () => {
    const counts = { calls: 1000n, instructions: 0n, requestBytes: 0n, responseBytes: 0n };
    const lie = (epoch: number): void => {
      const queryStats = { epoch, canisters: [[canister, counts]] as const };
      subnet.round([], { blockMaker: NODES[3] as NodeId, queryStats });
    };
    ask(nodes[0] as Node, 1);
    lie(0);
    expect(subnet.state.queryStats.reports).toEqual([]);
    blocksTo(QUERY_STATS_EPOCH_BLOCKS + 10, nodes);
    expect(subnet.state.queryStats.reports).toHaveLength(4);
    lie(0);
    expect(subnet.state.queryStats.reports.map(({ canisters }) => canisters.length)).toEqual([
      1, 0, 0, 0,
    ]);
    blocksTo(2 * QUERY_STATS_EPOCH_BLOCKS, nodes);
    lie(0);
    expect(subnet.state.queryStats.reports).toEqual([]);
  });

  it('keeps reports in checkpoints', () => {
    ask(nodes[1] as Node, 3);
    blocksTo(QUERY_STATS_EPOCH_BLOCKS + 6);
    const decoded = decodeSystemState(encodeSystemState(subnet.state));
    expect(decoded.ok && decoded.value.queryStats).toEqual(subnet.state.queryStats);
    expect(subnet.state.queryStats.reports.length).toBeGreaterThan(2);
  });
});
