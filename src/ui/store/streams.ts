import { useServices, useSubnets } from '../services.tsx';
import type { SubnetProjections } from '../../wire/project-subnets.ts';
import type { StreamView } from '../../wire/projection.ts';

/** One direction between two subnets: what the sender keeps, and what the receiver says of it. */
export interface Direction {
  /** Places in the topology. */
  readonly from: number;
  readonly to: number;
  readonly begin: number;
  readonly end: number;
  /** Kept by the sender until their signals come back. */
  readonly waiting: number;
  readonly bytes: number;
  /** Index of the next message that the receiver expects: its `signalsEnd`. */
  readonly taken: number;
  /** Reject signals that the receiver keeps. */
  readonly rejectSignals: number;
  /** The sender's stream to the receiver. */
  readonly sender: StreamView | undefined;
  /** The receiver's stream to the sender: its header holds the signals. */
  readonly receiver: StreamView | undefined;
}

export function directionOf(subnets: SubnetProjections, from: number, to: number): Direction {
  const sender = streamTo(subnets, from, to);
  const receiver = streamTo(subnets, to, from);
  const { begin, end, bytes } = sender?.facts ?? { begin: 0, end: 0, bytes: 0 };
  const { signalsEnd, rejectSignals } = receiver?.facts ?? { signalsEnd: 0, rejectSignals: 0 };
  const waiting = end - begin;
  return {
    from,
    to,
    begin,
    end,
    waiting,
    bytes,
    taken: signalsEnd,
    rejectSignals,
    sender,
    receiver,
  };
}

/** All directions in which something was sent or signalled. */
export function directionsOf(subnets: SubnetProjections): readonly Direction[] {
  return subnets
    .flatMap((_, from) => subnets.map((_other, to) => directionOf(subnets, from, to)))
    .filter(({ from, to, sender, receiver }) => from !== to && (sender ?? receiver) !== undefined);
}

function streamTo(subnets: SubnetProjections, from: number, to: number): StreamView | undefined {
  const own = subnets[from];
  const subnetId = own?.topology.subnets[to]?.subnetId;
  return own?.streams.find(({ facts }) => facts.subnetId === subnetId);
}

/** The same, told again only when a stream moved or a subnet came. */
export function useDirections(): readonly Direction[] {
  const { subnets } = useServices();
  useSubnets((all) => all.map(({ streams }) => streams));
  return directionsOf(subnets.getState());
}
