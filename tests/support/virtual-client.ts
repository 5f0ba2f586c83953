import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { decodeCertificate } from '../../src/protocol/crypto/certificate.ts';
import { asBytes, asMap, decodeCbor, encodeCbor } from '../../src/protocol/crypto/cbor.ts';
import { lookupPath } from '../../src/protocol/crypto/hash-tree.ts';
import { principalToBytes } from '../../src/protocol/crypto/principal.ts';
import { requestIdOfContent } from '../../src/protocol/crypto/representation-hash.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import type { SimNetwork } from '../../src/sim/sim-network.ts';

const NS_PER_S = 1_000_000_000n;
const ANONYMOUS = Uint8Array.of(4);
const MANAGEMENT = new Uint8Array(0);
const LIMIT_MS = 60_000;
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/**
 * A client whose clock is the network's: an agent would date requests by the machine's, so that a busy
 * machine changes what happens. It moves virtual time, and believes certificates as they are.
 */
export class VirtualClient {
  readonly network: SimNetwork;
  #calls = 0;

  /** @param network with the drive `manual` */
  constructor(network: SimNetwork) {
    this.network = network;
  }

  /** Number of calls made. */
  get calls(): number {
    return this.#calls;
  }

  async #post(
    version: 'v2' | 'v4',
    effective: CanisterId,
    canister: Uint8Array,
    methodName: string,
    arg: Uint8Array,
  ): Promise<{ readonly response: Response; readonly requestId: Uint8Array }> {
    const { network } = this;
    this.#calls += 1;
    const content = {
      request_type: 'call',
      canister_id: canister,
      method_name: methodName,
      arg,
      sender: ANONYMOUS,
      ingress_expiry: (network.clock.now().timeNs / NS_PER_S + 240n) * NS_PER_S,
      nonce: Uint8Array.of(this.#calls >> 8, this.#calls & 0xff),
    };
    const decoded = decodeCbor(encodeCbor(content), { maxDepth: 2 });
    const requestId = decoded.ok ? requestIdOfContent(decoded.value) : decoded;
    if (!requestId.ok) {
      throw new TypeError(`${methodName} has no request id`);
    }
    const id = Principal.fromUint8Array(principalToBytes(effective)).toText();
    const body = Uint8Array.from(encodeCbor({ content }));
    const url = `http://network.test/api/${version}/canister/${id}/call`;
    let response: Response | undefined;
    void network.fetch(url, { method: 'POST', body }).then((answer) => {
      response = answer;
    });
    for (let waitedMs = 0; response === undefined && waitedMs < LIMIT_MS; waitedMs += 20) {
      network.runFor(20);
      // Answers are delivered by promises: let them through.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (response === undefined) {
      throw new Error(`${methodName} was not answered within ${LIMIT_MS} ms of virtual time`);
    }
    return { response, requestId: requestId.value };
  }

  /** Puts a call to a canister; returns when a node has taken it. */
  async begin(canister: CanisterId, methodName: string, arg: Uint8Array): Promise<void> {
    const { response } = await this.#post(
      'v2',
      canister,
      principalToBytes(canister),
      methodName,
      arg,
    );
    if (response.status !== 202) {
      throw new Error(`${methodName}: ${response.status} ${await response.text()}`);
    }
  }

  async #update(
    effective: CanisterId,
    canister: Uint8Array,
    methodName: string,
    arg: Uint8Array,
  ): Promise<Uint8Array> {
    const { response, requestId } = await this.#post('v4', effective, canister, methodName, arg);
    const body = new Uint8Array(await response.arrayBuffer());
    const fields =
      response.status === 200 ? decodeCbor(body, { maxDepth: 4 }) : { ok: false as const };
    const bytes = fields.ok ? asBytes(asMap(fields.value)?.get('certificate')) : undefined;
    const certificate = bytes === undefined ? undefined : decodeCertificate(bytes);
    const at = (label: string): Uint8Array | undefined =>
      certificate?.ok === true
        ? lookupPath(certificate.value.tree, [encode('request_status'), requestId, encode(label)])
        : undefined;
    const reply = at('reply');
    if (reply === undefined) {
      const why = at('reject_message') ?? body;
      throw new Error(`${methodName}: ${response.status} ${new TextDecoder().decode(why)}`);
    }
    return reply;
  }

  /** The certified reply to a call. */
  update(canister: CanisterId, methodName: string, arg: Uint8Array): Promise<Uint8Array> {
    return this.#update(canister, principalToBytes(canister), methodName, arg);
  }

  /** Creates a canister under that id and installs the module. */
  async install(
    canister: CanisterId,
    wasm: Uint8Array,
    arg: Uint8Array = new Uint8Array(0),
  ): Promise<void> {
    const id = Principal.fromUint8Array(principalToBytes(canister));
    const manage = (methodName: string, type: IDL.Type, value: unknown) =>
      this.#update(canister, MANAGEMENT, methodName, IDL.encode([type], [value]));
    const specified = IDL.Record({ specified_id: IDL.Principal });
    await manage('provisional_create_canister_with_cycles', specified, { specified_id: id });
    const mode = IDL.Variant({ install: IDL.Null });
    const blob = IDL.Vec(IDL.Nat8);
    await manage(
      'install_code',
      IDL.Record({ mode, canister_id: IDL.Principal, wasm_module: blob, arg: blob }),
      { mode: { install: null }, canister_id: id, wasm_module: wasm, arg },
    );
  }
}
