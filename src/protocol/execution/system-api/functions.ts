import type { ApiSession } from './session.ts';
import type { SYSTEM_API_SIGNATURES, SystemApiName } from './signatures.ts';

/** The TypeScript type of each system call, derived from its signature: pointers and i32 are numbers, i64 and `E` are unsigned bigints. */
type Value<Letter extends string> = Letter extends 'l' | 'E' ? bigint : number;
type Parameters<Letters extends string> = Letters extends `${infer First}${infer Rest}`
  ? [Value<First>, ...Parameters<Rest>]
  : [];
type Returned<Letters extends string> = Letters extends '' ? void : Value<Letters>;

export type SystemApiFunction<Signature extends string> =
  Signature extends `${infer Params}>${infer Results}`
    ? (session: ApiSession, ...args: Parameters<Params>) => Returned<Results>
    : never;

export type SystemApiFunctions<Names extends SystemApiName = SystemApiName> = {
  readonly [Name in Names]: SystemApiFunction<(typeof SYSTEM_API_SIGNATURES)[Name]>;
};
