import { describe, expect, it } from 'vitest';
import { specOfLocation } from './spec-of-location.ts';

function summary(search: string): unknown {
  const spec = specOfLocation(search, 'fresh');
  return spec.ok
    ? [spec.value.seed, spec.value.pace, spec.value.subnets[0]?.nodes, spec.value.dkgIntervalLength]
    : spec.error.code;
}

describe('specOfLocation', () => {
  it.each([
    ['', ['fresh', 'classroom', 4, null]],
    ['?nodes=7&pace=classroom&seed=a&dkgInterval=9', ['a', 'classroom', 7, 9]],
    [
      `?spec=${encodeURIComponent('{"seed":"s","subnets":[{"nodes":13}]}')}`,
      ['s', 'turbo', 13, null],
    ],
    ['?nodes=0', 'SPEC_FIELD_INVALID'],
    ['?nodes=many', 'SPEC_FIELD_INVALID'],
    ['?pace=warp', 'SPEC_FIELD_INVALID'],
    ['?spec=%7Bbroken', 'SPEC_NOT_AN_OBJECT'],
    ['?spec=%7B%22speed%22%3A1%7D', 'SPEC_FIELD_UNKNOWN'],
    ['?nodes=4&spares=2', ['fresh', 'classroom', 4, null]],
    ['?spares=40', 'SPEC_FIELD_INVALID'],
    ['?signatures=rsa', 'SPEC_FIELD_INVALID'],
    ['?sandboxes=5', 'SPEC_FIELD_INVALID'],
  ])('reads "%s"', (search, expected) => {
    expect(summary(search)).toEqual(expected);
  });

  it('takes the number of sandbox workers', () => {
    const spec = specOfLocation('?sandboxes=3', 'fresh');
    expect(spec.ok && spec.value.sandboxWorkers).toBe(3);
  });

  it('takes the library of signatures', () => {
    const spec = specOfLocation('?signatures=noble', 'fresh');
    expect(spec.ok && spec.value.signatureBackend).toBe('noble');
  });
});
