import { present } from '../../../base/assert.ts';
import { decodeUtf8 } from '../../../base/utf8.ts';
import type { OutgoingCall, SystemApiInput, SystemEffects } from '../../interfaces/wasm-host.ts';
import { contractViolation, instructionLimitExceeded } from './canister-trap.ts';

/** The canister's heap as the system API sees it. */
export interface HeapPort {
  /** Bytes; 0 when the module has no memory. */
  size(): number;
  /** A live view: use it at once. The range is within `size()`. */
  view(address: number, length: number): Uint8Array;
}

/** Stable memory; bounds are the caller's to check. */
export interface StablePort {
  wasmPages(): number;
  grow(wasmPages: number): void;
  read(offset: number, target: Uint8Array): void;
  /** Returns the number of 4 KiB pages that this write made dirty for the first time. */
  write(offset: number, bytes: Uint8Array): number;
  /** 4 KiB pages changed so far by the run. */
  dirtyPages(): number;
}

/** The instruction counter of the running instance. */
export interface MeterPort {
  readonly limit: bigint;
  remaining(): bigint;
  setRemaining(instructions: bigint): void;
}

export interface SystemApiPorts {
  readonly heap: HeapPort;
  readonly stable: StablePort;
  readonly meter: MeterPort;
}

/** Kept log text of one run; the oldest lines go first. The canister's own log is far smaller. */
const MAX_LOG_CHARS = 64 * 1024;

/** Text of bytes a canister printed; what is no UTF-8 shows as U+FFFD. */
export function displayText(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text !== undefined) {
    return text;
  }
  let shown = '';
  for (const byte of bytes) {
    shown += byte < 0x80 ? String.fromCharCode(byte) : '\ufffd';
  }
  return shown;
}

/** A call between call_new and call_perform. */
export interface CallInPreparation
  extends Pick<OutgoingCall, 'receiver' | 'methodName' | 'onReply' | 'onReject'> {
  onCleanup: OutgoingCall['onCleanup'];
  timeoutSeconds: number | null;
  cycles: bigint;
  /** Method name and argument. */
  bytes: number;
  readonly parts: Uint8Array[];
}

/** What one run, of one or several entry points, does through the system API. */
export class ApiSession {
  readonly ports: SystemApiPorts;
  #input: SystemApiInput | null = null;
  response: SystemEffects['response'] = { kind: 'none' };
  replyParts: Uint8Array[] = [];
  replyBytes = 0;
  cyclesAccepted = 0n;
  cyclesBurned = 0n;
  certifiedData: Uint8Array | null = null;
  globalTimer: bigint | null = null;
  acceptedMessage = false;
  call: CallInPreparation | null = null;
  calls: OutgoingCall[] = [];
  /** Cycles that performed calls took from the balance: attached, fees and prepayments. */
  cyclesSent = 0n;
  /** Bytes of performed calls. */
  bytesSent = 0;
  readonly logs: string[] = [];
  #logChars = 0;

  constructor(ports: SystemApiPorts) {
    this.ports = ports;
  }

  /** Inputs of the entry point that runs. */
  get input(): SystemApiInput {
    return present(this.#input, 'system calls happen only within an entry point');
  }

  /** Goes on to the first or next entry point of the run; what the earlier ones did stays. */
  enter(input: SystemApiInput): void {
    this.#input = input;
    this.response = { kind: 'none' };
    this.replyParts = [];
    this.replyBytes = 0;
    this.call = null;
  }

  /** Takes instructions for work of the host. */
  charge(instructions: number): void {
    const { meter } = this.ports;
    const remaining = meter.remaining() - BigInt(instructions);
    meter.setRemaining(remaining);
    if (remaining < 0n) {
      throw instructionLimitExceeded(meter.limit);
    }
  }

  /** The canister's cycles now, less what a call under construction holds. */
  balance(): bigint {
    const { cycleBalance } = this.input;
    const taken = this.cyclesBurned + this.cyclesSent + (this.call?.cycles ?? 0n);
    return cycleBalance + this.cyclesAccepted - taken;
  }

  /** What of it may be spent. */
  liquidBalance(): bigint {
    const liquid = this.balance() - this.input.freezingThreshold;
    return liquid > 0n ? liquid : 0n;
  }

  cyclesAvailable(): bigint {
    return this.input.cyclesAvailable - this.cyclesAccepted;
  }

  #heapView(what: string, address: number, length: number): Uint8Array {
    const { heap } = this.ports;
    const size = heap.size();
    if (address + length > size) {
      throw contractViolation(
        `ic0.${what} heap: src=${address} + length=${length} exceeds the slice size=${size}`,
      );
    }
    return heap.view(address, length);
  }

  /** A copy of canister memory. */
  readHeap(what: string, address: number, length: number): Uint8Array {
    return this.#heapView(what, address, length).slice();
  }

  /** Canister memory itself, for the host's own reads and writes; gone after the next call. */
  heapRange(what: string, address: number, length: number): Uint8Array {
    return this.#heapView(what, address, length);
  }

  /** Copies `source[offset, offset + size)` to canister memory. */
  copyToHeap(what: string, source: Uint8Array, target: number, offset: number, size: number): void {
    if (offset + size > source.length) {
      throw contractViolation(
        `ic0.${what} payload: src=${offset} + length=${size} exceeds the slice size=${source.length}`,
      );
    }
    this.#heapView(what, target, size).set(source.subarray(offset, offset + size));
  }

  /** Writes an unsigned 128-bit integer, little-endian. */
  writeU128(what: string, target: number, value: bigint): void {
    const bytes = this.#heapView(what, target, 16);
    let rest = value;
    for (let i = 0; i < 16; i += 1) {
      bytes[i] = Number(rest & 0xffn);
      rest >>= 8n;
    }
  }

  log(line: string): void {
    this.logs.push(line);
    this.#logChars += line.length;
    while (this.#logChars > MAX_LOG_CHARS && this.logs.length > 1) {
      this.#logChars -= (this.logs.shift() as string).length;
    }
  }

  effects(): SystemEffects {
    return {
      response: this.response,
      cyclesAccepted: this.cyclesAccepted,
      cyclesBurned: this.cyclesBurned,
      certifiedData: this.certifiedData,
      globalTimer: this.globalTimer,
      acceptedMessage: this.acceptedMessage,
      calls: [...this.calls],
      logs: [...this.logs],
    };
  }
}
