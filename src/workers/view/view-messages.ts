import type { SubnetRecord } from '../../protocol/types/registry.ts';
import type { ClockReading, Topology } from '../../wire/network.ts';
import type { NetworkSpec } from '../../wire/network-spec.ts';
import type { TelemetryBatch } from '../../wire/telemetry.ts';

/**
 * Between the tab that runs a network and tabs of the same origin that look on. Plain data, cloned
 * by BroadcastChannel; all of it comes from this page's own code of the same version.
 */
export const VIEW_VERSION = 1;

export function viewChannelName(networkId: string): string {
  return `subnetarium/view/${networkId}`;
}

export interface ViewFacts {
  readonly spec: NetworkSpec;
  readonly rootKey: Uint8Array;
  readonly topology: Topology;
  readonly clock: ClockReading;
  /** Newest version of each subnet, in the order of the topology. */
  readonly records: readonly SubnetRecord[];
}

/** What one may ask for without changing anything. */
export type ViewQuestion =
  | { readonly method: 'snapshot' }
  | { readonly method: 'block' | 'artifact' | 'verify'; readonly argument: unknown }
  | { readonly method: 'fetch'; readonly argument: ViewRequest };

export interface ViewRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer> | null;
}

export interface ViewResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer>;
}

/** From a tab that looks on. */
export type ToOwner =
  /** Also a sign of life, every few seconds: who gives none is forgotten. */
  | { readonly v: number; readonly kind: 'watch'; readonly viewer: string }
  | {
      readonly v: number;
      readonly kind: 'ask';
      readonly viewer: string;
      readonly id: number;
      readonly question: ViewQuestion;
    }
  | { readonly v: number; readonly kind: 'leave'; readonly viewer: string }
  /** The reader wants the network there. */
  | { readonly v: number; readonly kind: 'handOver'; readonly viewer: string };

/** From the tab that runs the network. */
export type ToViewer =
  | {
      readonly v: number;
      readonly kind: 'facts';
      readonly viewer: string;
      readonly facts: ViewFacts;
    }
  | {
      readonly v: number;
      readonly kind: 'batch';
      readonly viewer: string;
      readonly batch: TelemetryBatch;
    }
  | {
      readonly v: number;
      readonly kind: 'answer';
      readonly viewer: string;
      readonly id: number;
      /** Undefined = it failed in the other tab. */
      readonly value: unknown;
    };

/** A BroadcastChannel that carries structured data. */
export interface ViewChannel {
  post(message: ToOwner | ToViewer): void;
  listen(handler: (message: unknown) => void): void;
  close(): void;
}

export function openViewChannel(networkId: string): ViewChannel {
  const channel = new BroadcastChannel(viewChannelName(networkId));
  return {
    post: (message) => channel.postMessage(message),
    listen: (handler) => {
      channel.onmessage = (event: MessageEvent<unknown>) => handler(event.data);
    },
    close: () => {
      channel.onmessage = null;
      channel.close();
    },
  };
}
