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

  it('takes the least time of a block', () => {
    const spec = specOfLocation('?notaryDelay=950', 'fresh');
    expect(spec.ok && spec.value.initialNotaryDelayMs).toBe(950);
    expect(summary('?notaryDelay=soon')).toBe('SPEC_FIELD_INVALID');
  });

  it('takes the library of signatures', () => {
    const spec = specOfLocation('?signatures=noble', 'fresh');
    expect(spec.ok && spec.value.signatureBackend).toBe('noble');
  });

  it('takes several subnets, each with its type, nodes and spare nodes', () => {
    const spec = specOfLocation('?subnets=system:4,application:7+2,application', 'fresh');
    expect(spec.ok && spec.value.subnets).toEqual([
      { type: 'system', nodes: 4 },
      { type: 'application', nodes: 7, spareNodes: 2 },
      { type: 'application', nodes: 4 },
    ]);
  });

  it('takes kinds of subnets; a fiduciary one has more nodes', () => {
    const spec = specOfLocation('?subnets=system:1,fiduciary:4,fiduciary,data', 'fresh');
    expect(spec.ok && spec.value.subnets).toEqual([
      { type: 'system', nodes: 1 },
      { type: 'fiduciary', nodes: 4 },
      { type: 'fiduciary', nodes: 10 },
      { type: 'data', nodes: 4 },
    ]);
  });

  it.each([
    ['?subnets=system:4,fiducial:4', 'spec.subnets[1].type must be one of'],
    ['?subnets=system:4,application:41', 'spec.subnets[1].nodes must be an integer'],
    ['?subnets=system:4,application:x', 'spec.subnets[1].nodes must be an integer'],
    ['?subnets=system:4,application:4:4', 'spec.subnets[1].type must be one of'],
    ['?subnets=application:4,application:4', 'spec.subnets[0].type must be system'],
    ['?subnets=system,a,a,a,a,a,a,a,a', 'spec.subnets must be a list of 1 to 8 subnets'],
    ['?subnets=', 'spec.subnets[0].type must be one of'],
    ['?subnets=system:4&nodes=4', 'either subnets, or nodes'],
  ])('says what is wrong with "%s"', (search, expected) => {
    const spec = specOfLocation(search, 'fresh');
    expect(spec.ok ? 'accepted' : spec.error.message).toContain(expected);
  });
});
