import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeOf } from './datacentres.ts';
import {
  defaultNetworkSpec,
  initialLink,
  parseLinkConditions,
  parseNetworkSpec,
  SIGNATURE_BACKENDS,
} from './network-spec.ts';

describe('a network spec', () => {
  it('is the default one when nothing is said', () => {
    expect(parseNetworkSpec({})).toEqual({ ok: true, value: defaultNetworkSpec() });
  });

  it('survives JSON', () => {
    const spec = defaultNetworkSpec({ seed: 'class of 2027', nodes: 7, pace: 'classroom' });
    expect(parseNetworkSpec(JSON.parse(JSON.stringify(spec)))).toEqual({ ok: true, value: spec });
    for (const signatureBackend of SIGNATURE_BACKENDS) {
      const parsed = parseNetworkSpec({ signatureBackend });
      expect(parsed.ok && parsed.value.signatureBackend).toBe(signatureBackend);
    }
  });

  it('takes one number of sandbox workers for all nodes, or one for each', () => {
    for (const sandboxWorkers of [1, 4, [1, 2, 4, 4], null]) {
      const parsed = parseNetworkSpec({ sandboxWorkers });
      expect(parsed.ok && parsed.value.sandboxWorkers).toEqual(sandboxWorkers);
    }
  });

  it('names one to eight subnets: a lone one of any type, else the root first', () => {
    const typesOf = (...subnets: readonly object[]): readonly string[] | string => {
      const parsed = parseNetworkSpec({ subnets });
      return parsed.ok ? parsed.value.subnets.map(({ type }) => type) : parsed.error.message;
    };
    expect(typesOf({})).toEqual(['application']);
    expect(typesOf({ type: 'verified_application' })).toEqual(['verified_application']);
    expect(typesOf({ nodes: 1 }, {}, { type: 'verified_application' })).toEqual([
      'system',
      'application',
      'verified_application',
    ]);
    expect(typesOf({ type: 'application' }, {})).toBe(
      'spec.subnets[0].type must be system: the first of several subnets is the root.',
    );
    expect(typesOf({}, { nodes: 0 })).toContain('spec.subnets[1].nodes');
    expect(typesOf({}, {}, {}, {}, {}, {}, {}, {})).toHaveLength(8);
    expect(typesOf({}, {}, {}, {}, {}, {}, {}, {}, {})).toContain('a list of 1 to 8 subnets');
    const subnets = [{ nodes: 1, spareNodes: 1 }, { nodes: 2 }];
    expect(parseNetworkSpec({ subnets, sandboxWorkers: [1, 2, 3, 4] }).ok).toBe(true);
    expect(parseNetworkSpec({ subnets, sandboxWorkers: [1, 2, 3] }).ok).toBe(false);
  });

  it.each([
    [null, 'SPEC_NOT_AN_OBJECT', 'spec must be an object'],
    [[], 'SPEC_NOT_AN_OBJECT', 'spec must be an object'],
    [{ version: 2 }, 'SPEC_VERSION_UNKNOWN', 'version must be 1'],
    [{ sed: 'x' }, 'SPEC_FIELD_UNKNOWN', 'spec.sed'],
    [{ seed: '' }, 'SPEC_FIELD_INVALID', 'spec.seed'],
    [{ seed: 'x'.repeat(257) }, 'SPEC_FIELD_INVALID', 'spec.seed'],
    [{ pace: 'fast' }, 'SPEC_FIELD_INVALID', 'spec.pace'],
    [{ subnets: [] }, 'SPEC_FIELD_INVALID', 'spec.subnets'],
    [{ subnets: [{ nodes: 41 }] }, 'SPEC_FIELD_INVALID', 'spec.subnets[0].nodes'],
    [{ subnets: [{ nodes: 3.5 }] }, 'SPEC_FIELD_INVALID', 'spec.subnets[0].nodes'],
    [{ subnets: [{ type: 'root' }] }, 'SPEC_FIELD_INVALID', 'spec.subnets[0].type'],
    [{ links: { lossPercent: 101 } }, 'SPEC_FIELD_INVALID', 'spec.links.lossPercent'],
    [{ links: { delayMs: -1 } }, 'SPEC_FIELD_INVALID', 'spec.links.delayMs'],
    [{ links: { distribution: 'cauchy' } }, 'SPEC_FIELD_INVALID', 'spec.links.distribution'],
    [{ links: { bandwidthKbps: 0.5 } }, 'SPEC_FIELD_INVALID', 'spec.links.bandwidthKbps'],
    [{ limits: 'none' }, 'SPEC_FIELD_INVALID', 'spec.limits'],
    [{ wasmStackBytes: 65_535 }, 'SPEC_FIELD_INVALID', 'spec.wasmStackBytes'],
    [{ wasmStackBytes: 5_242_881 }, 'SPEC_FIELD_INVALID', 'spec.wasmStackBytes'],
    [{ wasmStackBytes: '5M' }, 'SPEC_FIELD_INVALID', 'spec.wasmStackBytes'],
    [{ sandboxWorkers: 0 }, 'SPEC_FIELD_INVALID', 'spec.sandboxWorkers'],
    [{ sandboxWorkers: 5 }, 'SPEC_FIELD_INVALID', 'spec.sandboxWorkers'],
    [{ sandboxWorkers: [1, 2] }, 'SPEC_FIELD_INVALID', 'spec.sandboxWorkers'],
    [{ sandboxWorkers: [1, 2, 4, 'x'] }, 'SPEC_FIELD_INVALID', 'spec.sandboxWorkers'],
    [{ memoVerification: 1 }, 'SPEC_FIELD_INVALID', 'spec.memoVerification'],
    [{ signatureBackend: 'blst' }, 'SPEC_FIELD_INVALID', 'spec.signatureBackend'],
    [{ latencyPreset: 'moon' }, 'SPEC_FIELD_INVALID', 'spec.latencyPreset'],
    [{ links: { cut: 'yes' } }, 'SPEC_FIELD_INVALID', 'spec.links.cut'],
    [{ dkgIntervalLength: 0 }, 'SPEC_FIELD_INVALID', 'spec.dkgIntervalLength'],
    [{ initialNotaryDelayMs: 60_001 }, 'SPEC_FIELD_INVALID', 'spec.initialNotaryDelayMs'],
    [{ initialNotaryDelayMs: 0.5 }, 'SPEC_FIELD_INVALID', 'spec.initialNotaryDelayMs'],
  ])('%j is refused as %s', (value, code, text) => {
    const parsed = parseNetworkSpec(value);
    expect(parsed).toMatchObject({ ok: false, error: { code } });
    expect(parsed.ok ? '' : parsed.error.message).toContain(text);
  });

  it('puts nodes into real places when asked, half a round trip per direction', () => {
    const spec = { ...defaultNetworkSpec({ nodes: 13 }), latencyPreset: 'datacentres' as const };
    expect(parseNetworkSpec(spec)).toEqual({ ok: true, value: spec });
    const delayMs = (from: number, to: number): number => initialLink(spec, from, to).delayMs;
    expect(placeOf(1)).toBe('Frankfurt');
    expect(placeOf(2)).toBe('Tokyo');
    expect(delayMs(1, 2)).toBe(115);
    expect(delayMs(2, 1)).toBe(115);
    expect(delayMs(0, 10), 'the eleventh node shares the place of the first').toBe(1);
    for (let from = 0; from < 13; from += 1) {
      for (let to = 0; to < 13; to += 1) {
        const link = initialLink(spec, from, to);
        expect(delayMs(from, to)).toBeGreaterThan(0);
        expect(parseLinkConditions(link)).toEqual({ ok: true, value: link });
      }
    }
    const plain = { ...spec, latencyPreset: 'none' as const };
    expect(initialLink(plain, 1, 2)).toEqual(spec.links);
  });

  it('never throws, and what it accepts it accepts again unchanged', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const parsed = parseNetworkSpec(value);
        if (parsed.ok) {
          expect(parseNetworkSpec(parsed.value)).toEqual(parsed);
        }
        const links = parseLinkConditions(value);
        if (links.ok) {
          expect(parseLinkConditions(links.value)).toEqual(links);
        }
      }),
    );
  });
});
