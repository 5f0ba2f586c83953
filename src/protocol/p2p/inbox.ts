import { MAX_BACKLOG_BYTES, MAX_BACKLOG_PACKETS, WORK_PER_PEER_AND_STEP } from './limits.ts';

/**
 * What one peer has sent and has not been read yet, and how much of it may be read in this step.
 *
 * Fairness: every peer has the same credit in every step, so what one sends never delays what
 * another one sent by more than that. Reading may overdraw the credit once; later steps pay for it.
 */
export class Inbox {
  private backlog: Uint8Array[] = [];
  private bytes = 0;
  private credit = WORK_PER_PEER_AND_STEP;

  /** False when there is no room: the packet counts as lost. */
  push(packet: Uint8Array): boolean {
    const fits =
      this.backlog.length < MAX_BACKLOG_PACKETS && this.bytes + packet.length <= MAX_BACKLOG_BYTES;
    if (fits) {
      this.backlog.push(packet);
      this.bytes += packet.length;
    }
    return fits;
  }

  shift(): Uint8Array | undefined {
    const packet = this.backlog.shift();
    this.bytes -= packet?.length ?? 0;
    return packet;
  }

  get isEmpty(): boolean {
    return this.backlog.length === 0;
  }

  get hasCredit(): boolean {
    return this.credit > 0;
  }

  /** @param work in the units of `WORK_PER_PEER_AND_STEP` */
  charge(work: number): void {
    this.credit -= work;
  }

  refill(): void {
    this.credit = Math.min(this.credit + WORK_PER_PEER_AND_STEP, WORK_PER_PEER_AND_STEP);
  }

  clear(): void {
    this.backlog = [];
    this.bytes = 0;
  }
}
