import { SYSTEM_API_SIGNATURES } from '../src/protocol/execution/system-api/signatures.ts';

/** As much of the system API as a Motoko update needs that only computes; the rest answers zero. */
export interface MotokoHost {
  readonly imports: WebAssembly.ModuleImports;
  /** The heap as the canister sees it; set after instantiation. */
  memory: () => Uint8Array;
  /** The latest reply. */
  takeReply(): string;
}

/** Candid for no arguments. */
const NO_ARGUMENTS = Uint8Array.of(0x44, 0x49, 0x44, 0x4c, 0, 0);

export function createMotokoHost(): MotokoHost {
  let reply: number[] = [];
  const host: MotokoHost = {
    imports: {},
    memory: () => new Uint8Array(0),
    takeReply: () => {
      const text = reply.join();
      reply = [];
      return text;
    },
  };
  const read = (address: bigint, length: bigint): Uint8Array =>
    host.memory().subarray(Number(address), Number(address + length));
  for (const [name, signature] of Object.entries(SYSTEM_API_SIGNATURES)) {
    const result = signature.split('>')[1];
    host.imports[name] = () => (result === '' ? undefined : result === 'i' ? 0 : 0n);
  }
  Object.assign(host.imports, {
    msg_arg_data_size: () => BigInt(NO_ARGUMENTS.length),
    msg_arg_data_copy: (to: bigint, from: bigint, length: bigint) => {
      read(to, length).set(NO_ARGUMENTS.subarray(Number(from), Number(from + length)));
    },
    msg_reply_data_append: (address: bigint, length: bigint) => {
      reply.push(...read(address, length));
    },
    trap: (address: bigint, length: bigint) => {
      throw new TypeError(new TextDecoder().decode(read(address, length)));
    },
  });
  return host;
}
