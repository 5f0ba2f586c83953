import { err, ok } from '../../base/result.ts';
import { bytesToHex } from '../../base/hex.ts';
import type { Network, Topology } from '../../wire/network.ts';
import { defaultNetworkSpec } from '../../wire/network-spec.ts';
import type { TelemetryBatch, TelemetryEvent } from '../../wire/telemetry.ts';

/** A double for looking at components: it plays telemetry from a script and runs no protocol. */
export function scriptedNetwork(count: number): Network {
  const ids = Array.from({ length: count }, (_, i) => bytesToHex(new Uint8Array(29).fill(i + 1)));
  const threshold = count - Math.floor((count - 1) / 3);
  const topology = {
    subnets: [
      {
        nodes: ids.map((nodeId, index) => ({ nodeId, label: `Node ${index + 1}`, index })),
        faultsTolerated: count - threshold,
        notarizationThreshold: threshold,
      },
    ],
  } as unknown as Topology;
  const listeners = new Set<(batch: TelemetryBatch) => void>();
  const down = new Set<string>();
  let height = 0;
  let paused = false;
  let rate = 1;
  let pace = 'turbo';
  let seq = 0;
  const nowNs = () => BigInt(Date.now()) * 1_000_000n;
  const send = (from: string, events: unknown[]): void => {
    const batch = { v: 1, seq: seq++, from, atNs: nowNs(), events: events as TelemetryEvent[], dropped: 0 };
    for (const listener of listeners) listener(batch as TelemetryBatch);
  };
  const hash = (h: number, rank: number) => (h * 10 + rank).toString(16).padStart(8, '0').repeat(8);
  const block = (h: number, rank: number) => ({
    height: h, hash: hash(h, rank), parent: hash(h - 1, 0), rank, maker: ids[(h + rank) % count],
    timeNs: nowNs(), ingress: h % 6 === 0 ? 3 : 0, payloadBytes: h % 6 === 0 ? 420 : 12,
    isSummary: h % 20 === 0, certifiedHeight: h - 2,
  });
  const round = (): void => {
    if (paused) return;
    const up = ids.filter((id) => !down.has(id));
    if (up.length < threshold) return;
    height += 1;
    const h = height;
    const b = block(h, 0);
    const makers = ids.map((_, i) => ids[(h + i) % count]);
    const from = up[h % up.length] as string;
    send(from, [
      { kind: 'beaconAggregated', height: h, hash: hash(h, 9) },
      { kind: 'makersRanked', height: h, makers, committee: ids },
      { kind: 'blockProposed', block: b },
      ...(h % 9 === 0 ? [{ kind: 'blockProposed', block: block(h, 1) }] : []),
    ]);
    send('host', [{ kind: 'packetsSent', from, to: 'all', content: 'block', count: 1, bytes: 800 }]);
    setTimeout(() => {
      send('host', up.map((id) => ({ kind: 'packetsSent', from: id, to: 'all', content: 'notarization', count: 1, bytes: 200 })));
      send(from, [{ kind: 'notarized', height: h, hash: b.hash, signers: up.slice(0, threshold) }]);
    }, 120 / rate);
    setTimeout(() => {
      send('host', up.map((id) => ({ kind: 'packetsSent', from: id, to: 'all', content: 'finalization', count: 1, bytes: 200 })));
      send(from, [
        { kind: 'finalized', height: h, hash: b.hash, signers: up, explicit: true },
        { kind: 'tapeAggregated', height: h },
      ]);
      for (const id of up) {
        send(id, [{ kind: 'executed', height: h, root: hash(h, 5), instructions: 10n, messages: 0, timeNs: nowNs() }]);
        const heights = { notarized: h, finalized: h, executed: h, certified: h - 1, catchUpPackage: h - (h % 20) };
        send('host', [{ kind: 'nodeHeights', nodeId: id, heights }]);
      }
      if (h > 1) send(from, [{ kind: 'certified', height: h - 1, root: hash(h - 1, 5) }]);
    }, 260 / rate);
  };
  const loop = (): void => {
    round();
    setTimeout(loop, 400 / rate);
  };
  const state = (nodeId: string, value: string, reason: string | null) =>
    send('host', [{ kind: 'nodeState', nodeId, state: value, reason }]);
  const clockChanged = () => send('host', [{ kind: 'clockChanged', rate, paused, pace }]);
  setTimeout(() => {
    send('host', [{ kind: 'bootStage', stage: 'firstBlock', elapsedMs: 3, detail: '' }]);
    ids.forEach((id) => state(id, 'running', null));
    clockChanged();
    loop();
  }, 700);
  const done = async () => ok(undefined);
  return {
    spec: defaultNetworkSpec(),
    fetch: () => Promise.reject(new Error('the double answers no requests')),
    rootKey: () => new Uint8Array(133),
    topology: () => topology,
    faults: {
      kill: async (id) => { down.add(id); state(id, 'stopped', null); return ok(undefined); },
      restart: async (id) => { down.delete(id); state(id, 'running', null); return ok(undefined); },
      setLink: done, partition: done, heal: done,
    },
    clock: {
      now: () => ({ timeNs: nowNs(), rate, paused, pace: 'turbo' }),
      pause: async () => { paused = true; clockChanged(); return ok(undefined); },
      resume: async () => { paused = false; clockChanged(); return ok(undefined); },
      setRate: async (value) => { rate = value; clockChanged(); return ok(undefined); },
      setPace: async (value) => { pace = value; clockChanged(); return ok(undefined); },
      step: async () => { paused = false; round(); paused = true; clockChanged(); return ok(height); },
    },
    events: { subscribe: (listener) => { listeners.add(listener); return () => listeners.delete(listener); } },
    inspect: {
      block: async () => err({ kind: 'input', code: 'ARTIFACT_UNKNOWN', message: 'The double has no pools.' }),
      artifact: async () => err({ kind: 'input', code: 'ARTIFACT_UNKNOWN', message: 'The double has no pools.' }),
      verify: async () => ok({
        valid: true, scheme: 'scripted', messageHex: 'aa'.repeat(40), publicKeyHex: 'bb'.repeat(96), signatureHex: 'cc'.repeat(48),
        steps: [{ claim: 'This is a double and checks nothing', holds: true }, { claim: '3 of 4 signers are in the committee', holds: true }],
      }),
    },
    snapshot: () => Promise.reject(new Error('the double has no state')),
    close: async () => undefined,
  };
}
