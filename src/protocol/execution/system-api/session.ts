import { present } from '../../../base/assert.ts';
import { encodeUtf8 } from '../../../base/utf8.ts';
import type {
  CanisterError,
  OutgoingCall,
  SystemApiInput,
  SystemEffects,
  SystemRead,
} from '../../interfaces/wasm-host.ts';
import { RunLog } from '../canister-log.ts';
import { instructionLimitExceeded, toolchainViolation, trapLogLine } from './canister-trap.ts';
import { AccessedPages } from './stable-limits.ts';
import { MemoryAccount } from './memory-account.ts';

/** More than any message may use, and far from the ends of 64 bits. */
const MAX_CHARGE = 2 ** 60;
const U64_LIMIT = 1n << 64n;
const U128_BYTES = 16;

/** The canister's heap as the system API sees it. */
export interface HeapPort {
  /** Bytes; 0 when the module has no memory. */
  size(): number;
  /** A live view: use it at once. The range is within `size()`. */
  view(address: number, length: number): Uint8Array;
  /** The same, of a range that the host is about to write to: only such writes are kept. */
  writableView(address: number, length: number): Uint8Array;
  /** A live view of the memory that holds the heap, for copies without a view of their own. */
  memory(): Uint8Array;
  /** Where in `memory()` the heap begins. */
  readonly base: number;
  /** Must precede writes of the host through `memory()`. */
  markWritten(address: number, length: number): void;
}

/** Stable memory; bounds are the caller's to check. */
export interface StablePort {
  wasmPages(): number;
  grow(wasmPages: number): void;
  /** Copies `size` bytes to `target` from `at` on. */
  read(offset: number, target: Uint8Array, at: number, size: number): void;
  /** Copies from `source`; returns the number of 4 KiB pages that this made dirty for the first time. */
  write(offset: number, source: Uint8Array, from: number, size: number): number;
  /** 4 KiB pages changed so far by the run. */
  dirtyPages(): number;
}

/** The instruction counter of the running instance. */
export interface MeterPort {
  readonly limit: bigint;
  remaining(): bigint;
  setRemaining(instructions: bigint): void;
  /** Takes at most 2^60 instructions; false when fewer than none remain. */
  take(instructions: number): boolean;
}

export interface SystemApiPorts {
  readonly heap: HeapPort;
  readonly stable: StablePort;
  readonly meter: MeterPort;
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
  cyclesMinted = 0n;
  #reservedBefore = 0n;
  #memory: MemoryAccount | null = null;
  /** Of the heap, when its growth was last counted. */
  #heapBytes = 0;
  certifiedData: Uint8Array | null = null;
  globalTimer: bigint | null = null;
  acceptedMessage = false;
  call: CallInPreparation | null = null;
  calls: OutgoingCall[] = [];
  /** Cycles that performed calls took from the balance: attached, fees and prepayments. */
  cyclesSent = 0n;
  /** Bytes of performed calls. */
  bytesSent = 0;
  /** Room that performed calls keep for guaranteed responses. */
  guaranteedBytes = 0;
  readonly log = new RunLog();
  readonly accessedStable = new AccessedPages();
  readonly reads = new Set<SystemRead>();
  /** Arguments of the current call that no number holds exactly. */
  wideArguments: readonly bigint[] = [];

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
    this.#reservedBefore = this.cyclesReserved();
    const { memory, context, controllers, caller } = input;
    this.#memory =
      memory === null ? null : new MemoryAccount(memory, context, controllers.includes(caller));
    this.#heapBytes = this.ports.heap.size();
    this.response = { kind: 'none' };
    this.replyParts = [];
    this.replyBytes = 0;
    this.call = null;
  }

  /** Takes instructions for work of the host. */
  charge(instructions: number): void {
    const { meter } = this.ports;
    if (!meter.take(Math.min(instructions, MAX_CHARGE))) {
      throw instructionLimitExceeded(meter.limit);
    }
  }

  /** The canister's cycles now, less what a call under construction holds. */
  balance(): bigint {
    const { cycleBalance } = this.input;
    const { cyclesBurned, cyclesSent, call } = this;
    const taken = cyclesBurned + cyclesSent + (call?.cycles ?? 0n) + this.cyclesReserved();
    return cycleBalance + this.cyclesAccepted + this.cyclesMinted - taken;
  }

  /** What of it may be spent. */
  liquidBalance(): bigint {
    const liquid = this.balance() - this.freezingLimit();
    return liquid > 0n ? liquid : 0n;
  }

  /** The balance that calls and burning must leave, were there so many more bytes of messages. */
  freezingLimit(moreMessageBytes = 0): bigint {
    return this.#memory?.freezingLimit(moreMessageBytes) ?? this.input.freezingThreshold;
  }

  cyclesReserved(): bigint {
    return this.#reservedBefore + (this.#memory?.cyclesReserved ?? 0n);
  }

  /** Counts what the heap grew by since it was last counted. Throws when it must not grow so far. */
  countHeap(): void {
    const bytes = this.ports.heap.size();
    if (bytes > this.#heapBytes) {
      const grown = BigInt(bytes - this.#heapBytes);
      this.#memory?.growHeap(BigInt(this.#heapBytes), grown, this.balance());
      this.#heapBytes = bytes;
    }
  }

  /** Takes memory for stable pages. @returns false when the subnet has no more; throws when cycles lack */
  takeStable(bytes: number): boolean {
    return this.#memory?.take(BigInt(bytes), this.balance()) ?? true;
  }

  /** Counts room that messages take. */
  takeMessage(bytes: number): void {
    this.#memory?.takeMessage(bytes);
  }

  cyclesAvailable(): bigint {
    return this.input.cyclesAvailable - this.cyclesAccepted;
  }

  /** An argument as the canister gave it. */
  #exact(value: number): bigint {
    return this.wideArguments.find((wide) => Number(wide) === value) ?? BigInt(value);
  }

  /** Refuses `[start, start + length)` outside of `size` bytes. @param context what the text begins with */
  #requireRange(context: string, start: number, length: number, size: number): void {
    if (start + length <= size) {
      return;
    }
    const [from, count] = [this.#exact(start), this.#exact(length)];
    const range = `${context}: src=${from} + length=${count}`;
    throw toolchainViolation(
      from + count < U64_LIMIT
        ? `${range} exceeds the slice size=${size}`
        : `${range} is an invalid address`,
    );
  }

  /**
   * Canister memory itself, for the host's own reads; gone after the next call.
   * @param context what the error text begins with
   */
  heapRange(context: string, address: number, length: number): Uint8Array {
    const { heap } = this.ports;
    this.#requireRange(context, address, length, heap.size());
    return heap.view(address, length);
  }

  /** The same for the host's writes. */
  writableHeapRange(context: string, address: number, length: number): Uint8Array {
    const { heap } = this.ports;
    this.#requireRange(context, address, length, heap.size());
    return heap.writableView(address, length);
  }

  /** A copy of canister memory; undefined where it ends before. */
  peekHeap(address: number, length: number): Uint8Array | undefined {
    const { heap } = this.ports;
    return address + length > heap.size() ? undefined : heap.view(address, length).slice();
  }

  /** A copy of canister memory. */
  readHeap(context: string, address: number, length: number): Uint8Array {
    return this.heapRange(context, address, length).slice();
  }

  /**
   * Copies `source[offset, offset + size)` to canister memory.
   * @param part what the source is called in errors
   */
  copyToHeap(
    [name, part]: readonly [name: string, part: string],
    source: Uint8Array,
    target: number,
    offset: number,
    size: number,
  ): void {
    const memory = this.writableHeapRange(`ic0.${name} heap`, target, size);
    this.#requireRange(`ic0.${name} ${part}`, offset, size, source.length);
    memory.set(source.subarray(offset, offset + size));
  }

  /** Writes an unsigned 128-bit integer, little-endian. @param name of the system call */
  writeU128(name: string, target: number, value: bigint): void {
    const { heap } = this.ports;
    const size = heap.size();
    if (target + U128_BYTES > size) {
      // The missing space is the replica's.
      throw toolchainViolation(
        `ic0_${name} failed because dst + size is out of bounds.Found dst = ${this.#exact(target)} and size = ${U128_BYTES} while must be <= ${size}`,
      );
    }
    const bytes = heap.writableView(target, U128_BYTES);
    let rest = value;
    for (let i = 0; i < U128_BYTES; i += 1) {
      bytes[i] = Number(rest & 0xffn);
      rest >>= 8n;
    }
  }

  /** Logs the trap that ended the run. */
  logTrap(error: CanisterError, backtrace: string | null): void {
    this.log.add(encodeUtf8(trapLogLine(error, backtrace)));
  }

  effects(): SystemEffects {
    return {
      response: this.response,
      cyclesAccepted: this.cyclesAccepted,
      cyclesBurned: this.cyclesBurned,
      cyclesMinted: this.cyclesMinted,
      cyclesReserved: this.cyclesReserved(),
      certifiedData: this.certifiedData,
      globalTimer: this.globalTimer,
      acceptedMessage: this.acceptedMessage,
      calls: [...this.calls],
      reads: [...this.reads],
      ...this.log.contents(),
    };
  }
}
