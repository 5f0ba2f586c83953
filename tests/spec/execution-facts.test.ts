import { expect, it } from 'vitest';
import { executionLimits } from '../../src/protocol/limits/execution.ts';
import { EXECUTION_FACTS } from '../../src/wire/execution-facts.ts';

it.each(['mainnet', 'classroom'] as const)(
  'the page tells the limits of preset %s as they are',
  (preset) => {
    expect(executionLimits('application', preset)).toMatchObject(EXECUTION_FACTS[preset]);
  },
);
