import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
import { PageMap } from '../replicated-state/page-map.ts';
import { makeCheckpoint, type Checkpoint } from '../state-manager/checkpoint.ts';
import { FIRST_FILE_CHUNK, META_MANIFEST_CHUNK } from '../state-manager/chunk-ids.ts';
import { canisterWith, pages, stateWith } from '../state-manager/testing/filled-state.ts';
import type { StateResponse } from '../p2p/packet.ts';
import { SyncCluster, type SyncNode } from './testing/sync-cluster.ts';

/** 4 MiB in one canister, small ones beside it whose records make a group. */
const HEAP = PageMap.from(pages(0, 1024));
const CANISTERS = [
  canisterWith(0, HEAP, 64),
  ...Array.from({ length: 40 }, (_, i) => canisterWith(i + 1, PageMap.empty, 0)),
];
const AT_20 = makeCheckpoint(stateWith(20, CANISTERS));
const AT_40 = makeCheckpoint(
  stateWith(40, [canisterWith(0, HEAP.with(pages(100, 1, 77)), 64), ...CANISTERS.slice(1)]),
  AT_20,
);

const target = ({ height, hash }: Checkpoint) => ({ height, root: hash });

/** Node 0 wants what all others hold. */
function cluster(
  count: number,
  held: readonly Checkpoint[],
  options: { readonly seed?: string; readonly lossPercent?: number } = {},
): { readonly sync: SyncCluster; readonly client: SyncNode; readonly peers: readonly SyncNode[] } {
  const sync = new SyncCluster(count, options);
  const [client, ...peers] = sync.nodes;
  for (const peer of peers) {
    peer.checkpoints = held;
  }
  return { sync, client: present(client, 'a node'), peers };
}

function flipped(response: StateResponse): StateResponse {
  const bytes = response.bytes?.slice();
  if (bytes === undefined) {
    return response;
  }
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  return { ...response, bytes };
}

/** Two of three requests are to be made again. */
function slow(peer: SyncNode): void {
  peer.answer = (honest) =>
    peer.requestsServed % 3 === 0 ? honest : { ...honest, bytes: null, busy: true };
}

const faults = ({ trace }: SyncNode): readonly string[] =>
  trace.flatMap((event) =>
    event.kind === 'packetRejected' ? [`${event.from} ${event.code}`] : [],
  );

describe('state sync', () => {
  it('SS10: fetches nothing unless consensus asks for it, then the whole from all peers', () => {
    const { sync, client, peers } = cluster(4, [AT_20]);
    sync.runUntil(() => false, 1000);
    expect(peers.map((peer) => peer.requestsServed)).toEqual([0, 0, 0]);
    client.sync.want(target(AT_20));
    expect(sync.runUntil(() => client.restored !== undefined, 5000)).toBe(true);
    expect(client.restored?.checkpoint.hash).toBe(AT_20.hash);
    expect(makeCheckpoint(present(client.restored, 'restored').state).hash).toBe(AT_20.hash);
    expect(Math.min(...peers.map((peer) => peer.requestsServed))).toBeGreaterThan(10);
    expect(faults(client)).toEqual([]);
    const progress = client.trace.flatMap((e) => (e.kind === 'stateSyncProgress' ? [e] : []));
    const last = present(progress.at(-1), 'progress is told');
    expect(last).toMatchObject({ height: 20, peers: 3, chunksDone: last.chunksTotal });
    expect(last.bytes).toBeGreaterThan(4 * 1024 * 1024);
    // Not before consensus asks again.
    client.restored = undefined;
    expect(sync.runUntil(() => client.restored !== undefined, 1000)).toBe(false);
  });

  it.each([1, 3])(
    'SS11: gets it although %i of 4 peers corrupt what they send, and names them',
    (bad) => {
      const { sync, client, peers } = cluster(5, [AT_20]);
      for (const peer of peers.slice(0, bad)) {
        peer.answer = flipped;
      }
      client.sync.want(target(AT_20));
      expect(sync.runUntil(() => client.restored !== undefined, 20_000)).toBe(true);
      expect(client.restored?.checkpoint.hash).toBe(AT_20.hash);
      const named = peers.slice(0, bad).map((peer) => `${peer.nodeId} STATE_CHUNK_WRONG`);
      for (const fault of faults(client)) {
        expect(named).toContain(fault);
      }
      expect(faults(client).length).toBeGreaterThan(0);
    },
  );

  it('SS11: asks a liar that sends a good manifest and wrong chunks no more', () => {
    const { sync, client, peers } = cluster(3, [AT_20]);
    const liar = present(peers[0], 'a peer');
    liar.answer = (response) =>
      response.chunk >= FIRST_FILE_CHUNK && response.chunk < 1000 ? flipped(response) : response;
    client.sync.want(target(AT_20));
    expect(sync.runUntil(() => faults(client).length > 0, 5000)).toBe(true);
    const served = liar.requestsServed;
    expect(sync.runUntil(() => client.restored !== undefined, 5000)).toBe(true);
    expect(liar.requestsServed - served).toBeLessThan(70);
    expect(faults(client)).toEqual([`${liar.nodeId} STATE_CHUNK_WRONG`]);
  });

  it.each(['a', 'b', 'c'])(
    'SS12: gets through a medium that loses a fifth of everything (seed %s)',
    (seed) => {
      const { sync, client } = cluster(4, [AT_20], { seed, lossPercent: 20 });
      client.sync.want(target(AT_20));
      expect(sync.runUntil(() => client.restored !== undefined, 60_000)).toBe(true);
      expect(faults(client)).toEqual([]);
    },
  );

  it('SS13: gives up when no peer is left, and starts again when one tells of the checkpoint', () => {
    const { sync, client, peers } = cluster(2, [AT_20]);
    const [peer] = peers as [SyncNode];
    peer.answer = (response) => ({ ...response, bytes: null });
    client.sync.want(target(AT_20));
    const aborted = () => client.trace.some((event) => event.kind === 'stateSyncAborted');
    expect(sync.runUntil(aborted, 2000)).toBe(true);
    expect(faults(client)).toEqual([`${peer.nodeId} STATE_NOT_HELD`]);
    peer.answer = (response) => response;
    expect(sync.runUntil(() => client.restored !== undefined, 10_000)).toBe(true);
  });

  it('goes on when a peer leaves in the middle, and begins anew after a kill in the middle', () => {
    const { sync, client, peers } = cluster(4, [AT_20]);
    const half = () =>
      client.trace.some(
        (e) =>
          e.kind === 'stateSyncProgress' && e.chunksDone * 2 > e.chunksTotal && e.chunksTotal > 0,
      );
    const [first] = peers as [SyncNode];
    peers.forEach(slow);
    client.sync.want(target(AT_20));
    expect(sync.runUntil(half, 20_000)).toBe(true);
    first.up = false;
    expect(client.restored).toBeUndefined();
    sync.restart(client);
    client.trace.length = 0;
    client.sync.want(target(AT_20));
    expect(sync.runUntil(() => client.restored !== undefined, 60_000)).toBe(true);
    expect(faults(client)).toEqual([]);
  });

  it('SS14: fetches only what its own last checkpoint lacks', () => {
    const { sync, client } = cluster(4, [AT_40]);
    client.checkpoints = [AT_20];
    client.sync.want(target(AT_40));
    expect(sync.runUntil(() => client.restored !== undefined, 5000)).toBe(true);
    const last = client.trace.findLast((event) => event.kind === 'stateSyncProgress');
    expect(last?.kind === 'stateSyncProgress' && last.bytes).toBeLessThan(128 * 1024);
  });

  it('SS14: does not trust its own memory: a chunk that went wrong there is fetched', () => {
    const heap = PageMap.from(pages(0, 1024));
    const rest = CANISTERS.slice(1);
    const own = makeCheckpoint(stateWith(20, [canisterWith(0, heap, 64), ...rest]));
    (heap.get(300) as Uint8Array)[5] = 99;
    const { sync, client } = cluster(4, [AT_40]);
    client.checkpoints = [own];
    client.sync.want(target(AT_40));
    expect(sync.runUntil(() => client.restored !== undefined, 5000)).toBe(true);
    const { state } = present(client.restored, 'restored');
    expect(makeCheckpoint(state).hash).toBe(AT_40.hash);
  });

  it('SS15: ends a download for the package before, gives it up for one two later, and keeps its chunks', () => {
    const at60 = makeCheckpoint(stateWith(60, CANISTERS), AT_40);
    const { sync, client, peers } = cluster(4, [AT_20, AT_40]);
    peers.forEach(slow);
    const begun = (height: number) => (): boolean =>
      client.trace.some(
        (e) => e.kind === 'stateSyncProgress' && e.height === height && e.chunksDone > 10,
      );
    client.sync.want(target(AT_20));
    expect(sync.runUntil(begun(20), 5000)).toBe(true);
    client.sync.want(target(AT_40));
    client.sync.want(target(at60));
    for (const peer of peers) {
      peer.checkpoints = [AT_40, at60];
    }
    expect(sync.runUntil(begun(60), 5000)).toBe(true);
    client.sync.want(target(makeCheckpoint(stateWith(80, CANISTERS))));
    expect(sync.runUntil(() => client.restored !== undefined, 60_000)).toBe(true);
    expect(client.restored?.state.height).toBe(60);
    const last = client.trace.findLast((event) => event.kind === 'stateSyncProgress');
    const received = last?.kind === 'stateSyncProgress' ? last.bytes : 0;
    const total = AT_40.manifest.chunks.reduce((sum, { size }) => sum + size, 0);
    expect(received / total, 'what was there already was not fetched again').toBeLessThan(1.1);
    expect(faults(client)).toEqual([]);
  });

  it('SS16: serves so many bytes a step, peers in turns, and tells who asks for more that it is busy', () => {
    const { sync, peers } = cluster(4, [AT_20]);
    const server = present(peers[0], 'a peer');
    const root = AT_20.hash;
    const ask = (from: SyncNode, count: number): void => {
      for (let i = 0; i < count; i += 1) {
        server.sync.onRequest(from.nodeId, { height: 20, root, chunk: 200 + i });
      }
    };
    const answers: [string, number, boolean][] = [];
    const flood = present(peers[1], 'a peer');
    const modest = present(peers[2], 'a peer');
    server.answer = (response) => {
      answers.push(['', response.bytes?.length ?? 0, response.busy]);
      return undefined;
    };
    ask(flood, 1000);
    ask(modest, 2);
    const before = server.requestsServed;
    sync.runUntil(() => true, 1);
    sync.runUntil(() => server.requestsServed > before, 5);
    const sent = answers.reduce((sum, [, bytes]) => sum + bytes, 0);
    expect(sent).toBeLessThanOrEqual(1024 * 1024 + 64 * 1024);
    expect(answers.filter(([, , busy]) => busy)).toHaveLength(32);
    sync.runUntil(() => false, 20);
    expect(answers.filter(([, , busy]) => !busy)).toHaveLength(32 + 2);
  });

  it('answers with nothing what it does not have', () => {
    const { sync, peers } = cluster(2, [AT_20]);
    const server = present(peers[0], 'a peer');
    const seen: StateResponse[] = [];
    server.answer = (response) => {
      seen.push(response);
      return response;
    };
    const asked = [
      { height: 20, root: AT_40.hash, chunk: META_MANIFEST_CHUNK },
      { height: 40, root: AT_40.hash, chunk: META_MANIFEST_CHUNK },
      { height: 20, root: AT_20.hash, chunk: FIRST_FILE_CHUNK + AT_20.manifest.chunks.length },
      { height: 20, root: AT_20.hash, chunk: 2 ** 30 + 9 },
      { height: 20, root: AT_20.hash, chunk: 2 ** 31 + 9 },
      { height: 20, root: AT_20.hash, chunk: Number.MAX_SAFE_INTEGER },
    ];
    const [client] = sync.nodes as [SyncNode];
    asked.forEach((request) => server.sync.onRequest(client.nodeId, request));
    sync.runUntil(() => false, 20);
    expect(seen.map(({ bytes }) => bytes)).toEqual(asked.map(() => null));
  });
});
