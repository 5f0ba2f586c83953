import type { CanisterId } from '../../protocol/types/ids.ts';
import type { Simulation } from '../simulation.ts';
import { type Call, PersistentCall, query } from './client.ts';
import type { HuntPlan } from './plan.ts';
import { callersOf, setUpCalls, type SubnetCall, waveCalls, wakeCall } from './xnet-load.ts';

/** The counters of a caller, as its query `state` gives them. */
interface XNetTally {
  readonly sent: number;
  readonly replies: number;
  readonly rejects: number;
  /** Requests of a caller that came after later ones. */
  readonly outOfOrder: number;
  /** Calls that were answered twice. */
  readonly twice: number;
}

/** The clients of canisters on several subnets. With one subnet they ask for nothing. */
export interface XNetClients {
  /** Makes the load's canisters; true when all are there. To be asked again and again until then. */
  isSetUp(): boolean;
  sendWave(atMs: number): void;
  /** Lets callers that were stopped go on, and looks at their counters; true when no call is open. */
  isSettled(): boolean;
  /** What callers found that must not be; undefined = nothing. */
  wrong(): string | undefined;
  /** Calls of callers that were answered, by replies and by rejects. */
  answered(): { readonly replies: number; readonly rejects: number };
  /** Who still waits for answers, in words. */
  waiting(): readonly string[];
}

const TALLY_AGAIN_AFTER_MS = 500;

function tallyOf(bytes: Uint8Array): XNetTally {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = (offset: number): number => view.getUint32(offset, true);
  return { sent: at(0), replies: at(4), rejects: at(8), outOfOrder: at(16), twice: at(20) };
}

function isOpen({ sent, replies, rejects }: XNetTally): boolean {
  return replies + rejects < sent;
}

/** @param send makes a call, and remembers it for the end of the run */
export function createXNetClients(
  plan: HuntPlan,
  simulation: Simulation,
  nowMs: () => number,
  send: (asked: SubnetCall) => Call,
): XNetClients {
  const steps = [...setUpCalls(plan)];
  const callers = callersOf(plan);
  let pending: readonly PersistentCall[] = [];
  let wakes: readonly PersistentCall[] | undefined;
  let isAsking = false;
  let askedMs = Number.NEGATIVE_INFINITY;
  const tallies = new Map<CanisterId, XNetTally>();

  const persistent = (asked: SubnetCall): PersistentCall =>
    new PersistentCall(() => send(asked), nowMs());
  const areAnswered = (calls: readonly PersistentCall[]): boolean =>
    calls.filter((one) => !one.isAnswered(nowMs())).length === 0;

  const ask = async (): Promise<void> => {
    isAsking = true;
    askedMs = nowMs();
    for (const { id, subnet } of callers) {
      const bytes = await query(simulation, id, 'state', subnet);
      if (bytes?.length === 32) {
        tallies.set(id, tallyOf(bytes));
      }
    }
    isAsking = false;
  };

  return {
    isSetUp() {
      if (!areAnswered(pending)) {
        return false;
      }
      const next = steps.shift();
      pending = (next ?? []).map(persistent);
      return next === undefined;
    },
    sendWave(atMs) {
      waveCalls(plan, atMs).forEach(send);
    },
    isSettled() {
      wakes ??= callers.map((caller) => persistent(wakeCall(caller)));
      if (!areAnswered(wakes)) {
        return false;
      }
      if (!isAsking && nowMs() >= askedMs + TALLY_AGAIN_AFTER_MS) {
        void ask();
      }
      return callers.every(({ id }) => {
        const tally = tallies.get(id);
        return tally !== undefined && !isOpen(tally);
      });
    },
    wrong() {
      const bad = [...tallies].find(
        ([, { sent, replies, rejects, outOfOrder, twice }]) =>
          outOfOrder > 0 || twice > 0 || replies + rejects > sent,
      );
      return bad === undefined ? undefined : `canister ${bad[0]} counts ${JSON.stringify(bad[1])}`;
    },
    answered: () => ({
      replies: [...tallies.values()].reduce((sum, { replies }) => sum + replies, 0),
      rejects: [...tallies.values()].reduce((sum, { rejects }) => sum + rejects, 0),
    }),
    waiting: () =>
      callers.flatMap(({ id }) => {
        const tally = tallies.get(id);
        return tally === undefined
          ? [`canister ${id} does not answer`]
          : isOpen(tally)
            ? [`canister ${id} counts ${JSON.stringify(tally)}`]
            : [];
      }),
  };
}
