import { describe, expect, it } from 'vitest';
import { createPrng } from '../../base/prng.ts';
import { fuzzTargets } from './testing/fuzz-targets.ts';
import { mutate } from './testing/mutate.ts';

const INPUTS_PER_KIND = 400;
const SEED = 'fuzz 1';

describe("decoders of peers' bytes", () => {
  it.each(fuzzTargets().map((target) => [target.kind, target] as const))(
    'take every valid %s and refuse what was changed, without a throw',
    (kind, target) => {
      for (const [i, bytes] of target.seeds.entries()) {
        expect(target.run(bytes), `${kind}: seed ${i}`).toBe('accepted');
      }
      const prng = createPrng(`${SEED} ${kind}`);
      let rejected = 0;
      for (let i = 0; i < INPUTS_PER_KIND; i += 1) {
        const outcome = target.run(mutate(prng, target.seeds));
        expect(outcome, `${kind}: input ${i} of seed "${SEED}"`).not.toBe('second');
        rejected += outcome === 'rejected' ? 1 : 0;
      }
      expect(rejected, 'most changes do harm').toBeGreaterThan(INPUTS_PER_KIND / 3);
    },
  );
});
