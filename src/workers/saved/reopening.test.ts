import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { ok, type Result } from '../../base/result.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { SubnetRecord } from '../../protocol/types/registry.ts';
import { defaultNetworkSpec } from '../../wire/network-spec.ts';
import type { TelemetryEvent } from '../../wire/telemetry.ts';
import { type CatalogueEntry, createCatalogue } from './catalogue.ts';
import { newEntry, openEntry } from './network-opening.ts';
import { createProgressNotes } from './progress-notes.ts';

const spec = defaultNetworkSpec({ seed: 'reopening', nodes: 1 });
const twoSubnets = { ...spec, subnets: [{ type: 'system', nodes: 1 }, ...spec.subnets] } as const;

function value<T>(result: Result<T, unknown>): T {
  if (!result.ok) {
    throw new TypeError(JSON.stringify(result));
  }
  return result.value;
}

function record(version: number, isHalted = false): SubnetRecord {
  return {
    version,
    members: ['aa01' as NodeId],
    isHalted,
    haltAtCatchUpPackage: false,
    dkgIntervalLength: 9,
    replicaVersion: 'r',
  };
}

describe('a network that is opened again', () => {
  const attached = { unlock: () => undefined, attach: () => undefined };

  it('has the keys, nodes and registry versions that were written down', async () => {
    const catalogue = createCatalogue('reopening');
    const fresh = newEntry(twoSubnets, { id: 'n', name: 'n', link: '' });
    value(await catalogue.put(fresh));
    const opening = openEntry(fresh, catalogue, attached);
    value(await opening.dealt(['aa', 'bb']));
    value(await opening.saveRecord(1, record(2)));
    value(await opening.saveRecord(1, record(3)));
    value(await opening.saveRecord(1, record(3, true)));
    value(await opening.saveRegistry([Uint8Array.of(1, 255), Uint8Array.of(2)]));
    const [first] = value(await catalogue.rows());
    expect(first).toMatchObject({ readable: true, entry: { subnetIds: ['aa', 'bb'] } });
    const subnets = ['aa', 'bb', 'cc'].map((subnetId) => ({
      subnetId,
      nodeIds: [`${subnetId}01`],
    }));
    value(await opening.saveSubnets(subnets));
    const [row] = value(await catalogue.rows());
    expect(row).toMatchObject({
      readable: true,
      entry: { subnetIds: ['aa', 'bb', 'cc'], nodeIds: [['aa01'], ['bb01'], ['cc01']] },
    });
    const again = openEntry(row?.entry as CatalogueEntry, catalogue, attached);
    expect([again.records(0), again.records(1)]).toEqual([[], [record(2), record(3, true)]]);
    expect(again.registryDeltas).toEqual([Uint8Array.of(1, 255), Uint8Array.of(2)]);
    expect(await again.dealt(['aa', 'bb'])).toMatchObject({ error: { code: 'KEYS_DIFFER' } });
  });

  it('is listed with the furthest that it got, whatever order its nodes speak in', async () => {
    const written: Partial<CatalogueEntry>[] = [];
    const entry = { ...newEntry(spec, { id: 'n', name: 'n', link: '' }), canisters: 3, height: 7 };
    const change = async (_id: string, progress: Partial<CatalogueEntry>) => {
      written.push(progress);
      return ok(undefined);
    };
    const notes = createProgressNotes(entry, { change });
    const tell = (atNs: bigint, ...events: readonly object[]): void => {
      notes.observe({
        v: 1,
        seq: 0,
        from: 'host',
        atNs,
        events: events as readonly TelemetryEvent[],
        dropped: 0,
      });
    };
    const heights = (finalized: number) => ({ kind: 'nodeHeights', heights: { finalized } });
    const ahead = entry.networkTimeNs + 50n;
    tell(ahead, heights(9), heights(8));
    tell(entry.networkTimeNs + 20n, { kind: 'clockChanged', pace: 'classroom' });
    tell(ahead - 10n, { kind: 'canisterChanged', canister: { canisterId: 'c' } });
    await notes.close();
    expect(written).toMatchObject([
      { height: 9, networkTimeNs: ahead, pace: 'classroom', canisters: 3 },
    ]);
  });
});
