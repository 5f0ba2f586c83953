import { describe, expect, it } from 'vitest';
import { ingressMethod, isTargetMethod } from './methods.ts';

const refusal = (name: string): string => {
  const method = ingressMethod(name);
  return method.ok ? 'accepted' : `${method.error.code} ${method.error.message}`;
};

describe('the ingress filter of the management canister', () => {
  it.each(['create_canister', 'raw_rand', 'http_request', 'sign_with_ecdsa', 'no_such_method'])(
    'leaves %s to canisters',
    (name) => {
      expect(refusal(name)).toBe(`406 Only canisters can call ic00 method ${name}`);
    },
  );

  it('serves logs as a query only', () => {
    expect(refusal('fetch_canister_logs')).toBe(
      '406 fetch_canister_logs API is not accessible via ingress in replicated mode',
    );
  });

  it('asks for a controller wherever a canister is managed', () => {
    expect(isTargetMethod('canister_status')).toBe(true);
    expect(isTargetMethod('provisional_create_canister_with_cycles')).toBe(false);
  });
});
