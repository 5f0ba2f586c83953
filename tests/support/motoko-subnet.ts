import { readFileSync } from 'node:fs';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { MANAGEMENT_CANISTER_ID, principalToBytes } from '../../src/protocol/crypto/principal.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { type JourneyHost, type JourneyModule, journeySources } from './motoko-journey.ts';
import { compileMotoko, type Persistence } from './motoko.ts';
import { TestSubnet } from './test-subnet.ts';

const noArgs = Uint8Array.from(IDL.encode([], []));
const read = (name: string): string =>
  readFileSync(new URL(`../../canisters/motoko/${name}.mo`, import.meta.url), 'utf8');

/** The journey's actors as Motoko. */
export function journeyPrograms(): Readonly<Record<JourneyModule, string>> {
  return journeySources(read('keeper'), read('worker'));
}

/** The journey's actors, compiled. Takes a minute the first time. */
export async function journeyModules(
  persistence: Persistence,
): Promise<Readonly<Record<JourneyModule, Uint8Array>>> {
  const sources = journeyPrograms();
  const compile = async (name: JourneyModule): Promise<Uint8Array> =>
    (await compileMotoko(sources[name], persistence)).wasm;
  return {
    keeper: await compile('keeper'),
    newKeeper: await compile('newKeeper'),
    wrongKeeper: await compile('wrongKeeper'),
    worker: await compile('worker'),
  };
}

/** What an upgrade does with main memory. */
export type MemoryPersistence = 'keep' | 'replace' | null;

const UpgradeFlags = IDL.Record({
  skip_pre_upgrade: IDL.Opt(IDL.Bool),
  wasm_memory_persistence: IDL.Opt(IDL.Variant({ keep: IDL.Null, replace: IDL.Null })),
});
const InstallCode = IDL.Record({
  mode: IDL.Variant({ upgrade: IDL.Opt(UpgradeFlags) }),
  canister_id: IDL.Principal,
  wasm_module: IDL.Vec(IDL.Nat8),
  arg: IDL.Vec(IDL.Nat8),
});

/** One replica without consensus, as a host of Motoko actors. */
export class MotokoSubnet implements JourneyHost {
  readonly subnet = new TestSubnet();
  readonly #persistence: Persistence;

  constructor(persistence: Persistence) {
    this.#persistence = persistence;
  }

  /** "upgraded", or the error. */
  upgradeWith(canisterId: string, wasm: Uint8Array, memory: MemoryPersistence): string {
    const flags = {
      skip_pre_upgrade: [],
      wasm_memory_persistence: memory === null ? [] : [{ [memory]: null }],
    };
    const arg = IDL.encode(
      [InstallCode],
      [
        {
          mode: { upgrade: [flags] },
          canister_id: Principal.fromText(canisterId),
          wasm_module: wasm,
          arg: noArgs,
        },
      ],
    );
    const { subnet } = this;
    const message = {
      ...subnet.ingress(MANAGEMENT_CANISTER_ID, 'install_code', Uint8Array.from(arg)),
      effectiveCanisterId: idOf(canisterId),
    };
    subnet.round([message]);
    const answer = subnet.answerOf(message);
    return subnet.statusOf(message)?.kind === 'replied' ? 'upgraded' : answer;
  }

  deploy(wasm: Uint8Array, told: string | null): Promise<string> {
    const canisterId = this.subnet.create();
    const principals = told === null ? [] : [Principal.fromText(told)];
    const types = principals.map(() => IDL.Principal);
    this.subnet.install(canisterId, wasm, Uint8Array.from(IDL.encode(types, principals)));
    return Promise.resolve(Principal.fromUint8Array(principalToBytes(canisterId)).toText());
  }

  upgrade(canisterId: string, wasm: Uint8Array): Promise<string> {
    const memory = this.#persistence === 'enhanced' ? 'keep' : null;
    return Promise.resolve(this.upgradeWith(canisterId, wasm, memory));
  }

  text(canisterId: string, name: string): Promise<string> {
    const { answer } = this.subnet.call(idOf(canisterId), name, noArgs);
    const reply = /^[0-9a-f]*$/.test(answer) ? Buffer.from(answer, 'hex') : answer;
    return Promise.resolve(typeof reply === 'string' ? reply : decodeText(reply));
  }

  ask(canisterId: string, name: string): Promise<string> {
    const outcome = this.subnet.ask(idOf(canisterId), name, noArgs);
    return Promise.resolve(
      outcome.kind === 'replied'
        ? decodeText(outcome.reply)
        : `IC0${outcome.error.code}: ${outcome.error.message}`,
    );
  }

  /** Method and instructions of each call that users and canisters made, in order. */
  executed(): readonly string[] {
    return this.subnet.trace.flatMap((event) =>
      event.kind === 'messageExecuted' ? [`${event.method} ${event.instructions}`] : [],
    );
  }
}

function idOf(text: string): CanisterId {
  return Buffer.from(Principal.fromText(text).toUint8Array()).toString('hex') as CanisterId;
}

function decodeText(reply: Uint8Array): string {
  const [text] = IDL.decode([IDL.Text], Uint8Array.from(reply));
  return text as unknown as string;
}
