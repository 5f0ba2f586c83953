import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import {
  decodeCanisterInfo,
  decodeCanisterMetadata,
  decodeCreateCanister,
  decodeInstallChunkedCode,
  decodeInstallCode,
  decodeTopUp,
  decodeUpdateSettings,
  decodeUploadChunk,
} from './arguments.ts';
import { candidHash, decodeCandid } from './candid-value.ts';
import {
  decodeDeleteSnapshot,
  decodeLoadSnapshot,
  decodeReadData,
  decodeTakeSnapshot,
  decodeUploadData,
  decodeUploadMetadata,
} from './snapshot-arguments.ts';

const DECODERS = [
  decodeCanisterInfo,
  decodeCanisterMetadata,
  decodeCreateCanister,
  decodeDeleteSnapshot,
  decodeInstallChunkedCode,
  decodeInstallCode,
  decodeLoadSnapshot,
  decodeReadData,
  decodeTakeSnapshot,
  decodeTopUp,
  decodeUpdateSettings,
  decodeUploadChunk,
  decodeUploadData,
  (arg: Uint8Array) => decodeUploadMetadata(arg, true),
];

const id = Principal.fromText('rrkah-fqaaa-aaaaa-aaaaq-cai');
const idHex = '00000000000000010101';

const InstallCode = IDL.Record({
  mode: IDL.Variant({
    install: IDL.Null,
    reinstall: IDL.Null,
    upgrade: IDL.Opt(
      IDL.Record({
        skip_pre_upgrade: IDL.Opt(IDL.Bool),
        wasm_memory_persistence: IDL.Opt(IDL.Variant({ keep: IDL.Null, replace: IDL.Null })),
      }),
    ),
  }),
  canister_id: IDL.Principal,
  wasm_module: IDL.Vec(IDL.Nat8),
  arg: IDL.Vec(IDL.Nat8),
  sender_canister_version: IDL.Opt(IDL.Nat64),
});

function installArgument(mode: object): Uint8Array {
  const value = {
    mode,
    canister_id: id,
    wasm_module: Uint8Array.of(0, 97, 115, 109),
    arg: new Uint8Array(0),
    sender_canister_version: [],
  };
  return Uint8Array.from(IDL.encode([InstallCode], [value]));
}

describe('Candid arguments of the management canister', () => {
  test.prop([fc.stringMatching(/^[a-z_]{1,20}$/)])('hashes labels as Candid does', (name) => {
    const encoded = IDL.encode([IDL.Record({ [name]: IDL.Nat })], [{ [name]: 5n }]);
    const value = decodeCandid(Uint8Array.from(encoded));
    const record = value.ok ? value.value[0] : undefined;
    expect(record?.kind === 'record' && [...record.fields.keys()]).toEqual([candidHash(name)]);
  });

  test.prop([fc.bigInt({ min: 0n, max: 1n << 120n })])('reads naturals of any size', (n) => {
    const encoded = IDL.encode([IDL.Record({ amount: IDL.Opt(IDL.Nat) })], [{ amount: [n] }]);
    expect(decodeTopUp(Uint8Array.from(encoded))).toEqual({ ok: true, value: n });
  });

  it.each([
    [{ install: null }, 'install', false, undefined],
    [{ reinstall: null }, 'reinstall', false, undefined],
    [{ upgrade: [] }, 'upgrade', false, undefined],
    [
      { upgrade: [{ skip_pre_upgrade: [true], wasm_memory_persistence: [{ keep: null }] }] },
      'upgrade',
      true,
      'keep',
    ],
    [
      { upgrade: [{ skip_pre_upgrade: [], wasm_memory_persistence: [{ replace: null }] }] },
      'upgrade',
      false,
      'replace',
    ],
  ] as const)(
    'reads install_code with mode %o',
    (mode, name, skipPreUpgrade, memoryPersistence) => {
      expect(decodeInstallCode(installArgument(mode))).toEqual({
        ok: true,
        value: {
          canisterId: idHex,
          mode: name,
          wasm: Uint8Array.of(0, 97, 115, 109),
          arg: new Uint8Array(0),
          skipPreUpgrade,
          memoryPersistence,
          senderVersion: undefined,
        },
      });
    },
  );

  it('names a missing field and a wrong type', () => {
    const empty = decodeInstallCode(Uint8Array.from(IDL.encode([IDL.Record({})], [{}])));
    expect(empty.ok ? '' : empty.error.message).toBe(
      'Error decoding candid: field mode is missing',
    );
    const text = IDL.encode([IDL.Record({ amount: IDL.Text })], [{ amount: 'much' }]);
    const wrong = decodeCreateCanister(Uint8Array.from(text));
    expect(wrong.ok ? '' : wrong.error.message).toBe(
      'Error decoding candid: field amount is not a nat',
    );
  });

  it('bounds settings: eleven controllers and a compute allocation of 101 % are refused', () => {
    const Settings = IDL.Record({
      settings: IDL.Record({
        controllers: IDL.Opt(IDL.Vec(IDL.Principal)),
        compute_allocation: IDL.Opt(IDL.Nat),
      }),
    });
    const decode = (controllers: Principal[][], compute: bigint[]): string => {
      const value = { settings: { controllers, compute_allocation: compute } };
      const decoded = decodeUpdateSettings(Uint8Array.from(IDL.encode([Settings], [value])));
      return decoded.ok ? 'ok' : `${decoded.error.code} ${decoded.error.message}`;
    };
    const many = (count: number): Principal[] =>
      Array.from({ length: count }, (_, i) => Principal.fromUint8Array(Uint8Array.of(i)));
    expect(decode([many(10)], [100n])).toBe('ok');
    expect(decode([many(11)], [])).toBe(
      '408 Error decoding candid: The number of elements exceeds maximum allowed 10',
    );
    expect(decode([], [1_000_001n])).toBe(
      '504 ComputeAllocation expected to be in the range [0..100], got 1_000_001',
    );
  });

  it.each([
    ['vector of 2^32 - 1 nulls', '4449444c016d7f0100ffffffff0f'],
    ['vector of 2^32 - 1 empty records', '4449444c026d016c000100ffffffff0f'],
    ['record that contains itself', '4449444c016c0100000100'],
    ['option nested without end', `4449444c016e000100${'01'.repeat(500)}`],
    ['2^32 - 1 types', '4449444cffffffff0f'],
    ['2^32 - 1 arguments', '4449444c00ffffffff0f'],
    ['blob longer than the message', '4449444c016d7b0100ffffffff0f'],
  ])('refuses a bomb: %s', (_name, hex) => {
    const result = decodeCandid(new Uint8Array(Buffer.from(hex, 'hex')));
    expect(result.ok ? 'accepted' : result.error.code).toBe('MALFORMED_CANDID');
  });

  test.prop([fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat(255)])(
    'never throws on random and damaged bytes',
    (bytes, position, value) => {
      const damaged = installArgument({ upgrade: [] });
      damaged[position % damaged.length] = value;
      const magic = Uint8Array.of(0x44, 0x49, 0x44, 0x4c, ...bytes);
      for (const input of [bytes, magic, damaged]) {
        const value = decodeCandid(input);
        expect(value.ok || value.error.code === 'MALFORMED_CANDID').toBe(true);
        for (const decode of DECODERS) {
          const result = decode(input);
          expect(result.ok || [408, 504].includes(result.error.code)).toBe(true);
        }
      }
    },
  );
});
