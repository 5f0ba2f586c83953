import type { Brand, Flavor } from '../../base/brand.ts';

/**
 * Principals are kept as the lower-case hex of their raw bytes (0–29 bytes): usable as map keys,
 * and string order equals the bytewise order the IC sorts by. Text form only at the edges
 * (`crypto/principal.ts`).
 */
export type PrincipalId = Brand<string, 'PrincipalId'>;
export type NodeId = PrincipalId & Brand<string, 'NodeId'>;
export type SubnetId = PrincipalId & Brand<string, 'SubnetId'>;
export type CanisterId = PrincipalId & Brand<string, 'CanisterId'>;

/** Lower-case hex of a 32-byte SHA-256 value. */
export type HashHex = Brand<string, 'HashHex'>;
/** Request id of an ingress message: hash of its content, as hex. */
export type MessageId = Brand<string, 'MessageId'>;

/** Block height; also batch number and state height. Safe integer. */
export type Height = Flavor<number, 'Height'>;
/** 0 is the block maker with the highest priority. */
export type Rank = Flavor<number, 'Rank'>;
export type RegistryVersion = Flavor<number, 'RegistryVersion'>;
/** Nanoseconds since the Unix epoch. */
export type TimeNs = Flavor<bigint, 'TimeNs'>;
export type DurationMs = Flavor<number, 'DurationMs'>;
export type Cycles = Flavor<bigint, 'Cycles'>;
export type Instructions = Flavor<bigint, 'Instructions'>;
