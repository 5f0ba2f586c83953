/**
 * The part of BroadcastChannel the transport needs. A channel never hands a message back to the
 * object that posted it, and keeps the order of one sender.
 */
export interface ChannelLike {
  post(bytes: Uint8Array): void;
  /** One handler; `data` is whatever was posted by anyone and must be treated as hostile. */
  listen(handler: (data: unknown) => void): void;
  close(): void;
}

export type OpenChannel = (name: string) => ChannelLike;

/** Names of the channels that small packets travel on. */
export interface TransportChannels {
  /** What all members hear; null = there is none. */
  readonly all: string | null;
  inboxOf(nodeId: string): string;
}

/** Between the nodes of one subnet. */
export function subnetChannels(networkId: string, subnetId: string): TransportChannels {
  return {
    all: subnetChannelName(networkId, subnetId),
    inboxOf: (nodeId) => inboxChannelName(networkId, subnetId, nodeId),
  };
}

/** Between nodes of different subnets: each has one inbox for all of them. */
export function crossSubnetChannels(networkId: string): TransportChannels {
  return { all: null, inboxOf: (nodeId) => `xnet/${networkId}/${nodeId}` };
}

/** Adverts and small artifacts for every node of a subnet. */
export function subnetChannelName(networkId: string, subnetId: string): string {
  return `net/${networkId}/${subnetId}`;
}

/** Messages directed to one node. */
export function inboxChannelName(networkId: string, subnetId: string, nodeId: string): string {
  return `net/${networkId}/${subnetId}/${nodeId}`;
}

/** Signatures that a node of the tab found valid. */
export function memoChannelName(networkId: string, subnetId: string): string {
  return `verified/${networkId}/${subnetId}`;
}
