import { IDL } from '@icp-sdk/core/candid';
import { MANAGEMENT_CANISTER_ID, principalToText } from '../../../src/protocol/crypto/principal.ts';
import { expect } from 'vitest';
import { withCustomSection } from '../../support/keeper-wat.ts';
import { op } from '../../support/universal.ts';
import { LITTLE_MEMORY } from './error-scene.ts';
import {
  bytes,
  endless,
  FOREIGN,
  forward,
  HELP,
  SECOND_NS,
  type Row,
  unwrapManagement,
} from './error-helpers.ts';

const INTERNAL =
  '\nThis is an internal error on the IC. Please report it to IC devs on the forum: https://forum.dfinity.org';

/** Errors of the management canister. */
export const MANAGEMENT_ERRORS: readonly Row[] = [
  {
    code: 101,
    text: /^Canister requested a compute allocation of 100% which cannot be satisfied because the Subnet's remaining compute capacity is 49%\./,
    make: (scene) => {
      const { settings } = scene.subnet.canister(scene.b);
      scene.edit({ settings: { ...settings, computeAllocation: 250n } }, scene.b);
      return scene.set('compute_allocation', 100n);
    },
  },
  {
    code: 101,
    text: /^Canister requested .* of memory but only .* are available in the subnet\./,
    limits: LITTLE_MEMORY,
    make: (scene) => scene.set('memory_allocation', 1n << 30n),
  },
  {
    code: 101,
    text: /^Canister requested \d+ B of Wasm custom sections memory but only 5 B are available in the subnet\.\nTry removing custom sections using a tool like `wasm-strip` or moving to another subnet\. See documentation: .*#subnet-custom-section-memory-capacity-oversubscribed$/,
    limits: { customSectionBytes: 5n },
    make: (scene) => {
      const before = scene.subnet.canister(scene.a).execution;
      const said = scene.install('upgrade', withCustomSection(scene.wasm, 'icp:public x', 'words'));
      expect(scene.subnet.canister(scene.a).execution).toBe(before);
      expect(scene.install('upgrade', withCustomSection(scene.wasm, 'icp:public x', 'word'))).toBe(
        '4449444c0000',
      );
      return said;
    },
  },
  {
    code: 102,
    text: `Subnet {subnet} has reached the allowed canister limit of 2 canisters. Retry creating the canister.\nTry creating the canister on another subnet. See documentation: ${HELP}maximum-number-of-canisters-reached`,
    limits: { maxCanisters: 2 },
    make: (scene) => scene.manage('provisional_create_canister_with_cycles'),
  },
  {
    code: 206,
    text: /^Stop canister request timed out$/,
    make: (scene) => {
      endless(scene);
      const stop = scene.message('stop_canister');
      scene.subnet.round([stop]);
      scene.subnet.round([], { afterNs: 301n * SECOND_NS });
      return scene.run(stop);
    },
  },
  {
    code: 209,
    text: /^Canister {a} is rate limited because it executed too many instructions in the previous install_code messages\. Please retry installation after several minutes\./,
    limits: { installInstructionsPerRound: 1n },
    make: (scene) => scene.install('reinstall') + scene.install('reinstall'),
  },
  {
    code: 210,
    text: /^Canister {a} is heap delta rate limited: current delta debit is \d+, but limit is 1\.\nTry waiting a few seconds before retrying the operation\. See documentation: .*#canister-heap-delta-rate-limited$/,
    limits: { heapDeltaBytesPerRound: 1 },
    make: (scene) => {
      scene.update(op('touch', 1000), op('reply'));
      return scene.manage('take_canister_snapshot');
    },
  },
  {
    code: 504,
    text: /^Error from Wasm chunk store: Canister is heap delta rate limited\. Current delta debit: \d+, limit: 1\.\nUse the `stored_chunks` API/,
    limits: { heapDeltaBytesPerRound: 1 },
    make: (scene) => {
      scene.update(op('touch', 1000), op('reply'));
      return scene.manage('upload_chunk', { chunk: [IDL.Vec(IDL.Nat8), Uint8Array.of(1)] });
    },
  },
  {
    code: 305,
    text: /^Could not find the snapshot ID [0-9a-f]+ for canister {a}\.\nUse the `list_canister_snapshot` API/,
    make: (scene) => {
      const snapshot = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9, ...bytes(scene.a));
      const field = [IDL.Vec(IDL.Nat8), snapshot] as const;
      return scene.manage('load_canister_snapshot', { snapshot_id: field });
    },
  },
  {
    code: 403,
    text: /^Creating a canister requires a fee of \d+ that is deducted from the canister's initial balance but only 5 cycles were received with the create_canister request\./,
    make: (scene) => {
      const arg = Uint8Array.from(IDL.encode([IDL.Record({})], [{}]));
      return unwrapManagement(
        403,
        scene.update(forward(new Uint8Array(0), 'create_canister', arg, 5)),
      );
    },
  },
  {
    code: 405,
    text: `Unsuccessful validation of specified ID: Specified CanisterId ${principalToText(FOREIGN)} is not hosted by subnet {subnet}.${INTERNAL}`,
    make: (scene) =>
      scene.manage('provisional_create_canister_with_cycles', {
        specified_id: [IDL.Opt(IDL.Principal), [scene.principal(FOREIGN)]],
      }),
  },
  {
    code: 408,
    text: /^Error decoding candid: /,
    make: (scene) => scene.manage('install_code'),
  },
  {
    code: 409,
    text: 'Only canister snapshots created by metadata upload can be mutated.',
    make: (scene) => {
      const taken = Buffer.from(scene.manage('take_canister_snapshot'), 'hex');
      const [info] = IDL.decode([IDL.Record({ id: IDL.Vec(IDL.Nat8) })], Uint8Array.from(taken));
      const { id } = info as unknown as { id: Uint8Array };
      const kind = IDL.Variant({ wasm_module: IDL.Record({ offset: IDL.Nat64 }) });
      return scene.manage('upload_canister_snapshot_data', {
        snapshot_id: [IDL.Vec(IDL.Nat8), id],
        kind: [kind, { wasm_module: { offset: 0n } }],
        chunk: [IDL.Vec(IDL.Nat8), Uint8Array.of(1)],
      });
    },
  },
  {
    code: 410,
    text: 'Caller 2vxsx-fae is not allowed to call ic00 method list_canisters',
    make: ({ subnet }) => subnet.answerTo(MANAGEMENT_CANISTER_ID, 'list_canisters'),
  },
  {
    code: 510,
    text: `Canister {a} must be stopped before it is deleted.\nStop the canister before deleting it. See documentation: ${HELP}delete-canister-not-stopped`,
    make: (scene) => scene.manage('delete_canister'),
  },
  {
    code: 511,
    text: "Canister {a}'s stop request was cancelled.",
    make: (scene) => {
      endless(scene);
      const stop = scene.message('stop_canister');
      scene.subnet.round([stop]);
      scene.manage('start_canister');
      return scene.subnet.answerOf(stop);
    },
  },
  {
    code: 512,
    text: `Only the controllers of the canister {a} can control it.\nCanister's controllers: {b}\nSender's ID: 2vxsx-fae\nExecute this call from a controller of the target canister or add the current caller as a controller. See documentation: ${HELP}invalid-controller`,
    make: (scene) => {
      scene.edit({ controllers: [scene.b] });
      return scene.manage('stop_canister');
    },
  },
  {
    code: 514,
    text: /^Canister {a} cannot be installed because the canister is not empty\. Try installing with mode='reinstall' instead\./,
    make: (scene) => scene.install('install'),
  },
  {
    code: 530,
    text: /^Cannot increase compute allocation to 50% due to insufficient cycles\. At least \d+ additional cycles are required\./,
    make: (scene) => {
      scene.edit({ cycles: 10n ** 12n });
      return scene.set('compute_allocation', 50n);
    },
  },
  {
    code: 531,
    text: /^Cannot increase memory allocation to .* due to insufficient cycles\. At least \d+ additional cycles are required\./,
    make: (scene) => {
      scene.edit({ cycles: 10n ** 10n });
      return scene.set('memory_allocation', 1n << 31n);
    },
  },
  {
    code: 533,
    text: /^Cannot increase memory allocation to .* due to its reserved cycles limit\. The current limit \(1\) would be exceeded by \d+\./,
    limits: LITTLE_MEMORY,
    make: (scene) => {
      scene.set('reserved_cycles_limit', 1n);
      return scene.set('memory_allocation', 60n << 20n);
    },
  },
  {
    code: 538,
    text: `Canister {a} is already installed.${INTERNAL}`,
    make: (scene) =>
      scene.manage('provisional_create_canister_with_cycles', {
        specified_id: [IDL.Opt(IDL.Principal), [scene.principal(scene.a)]],
      }),
  },
  {
    code: 540,
    text: /^Cannot set the reserved cycles limit 1 below the reserved cycles balance of the canister 5000\./,
    make: (scene) => {
      scene.edit({ reservedCycles: 5000n });
      return scene.set('reserved_cycles_limit', 1n);
    },
  },
  {
    code: 542,
    text: 'Caller 2vxsx-fae is not allowed to read the canister status',
    make: (scene) => {
      scene.edit({ controllers: [scene.b] });
      return scene.manage('canister_status');
    },
  },
];
