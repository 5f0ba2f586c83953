import { expect, it } from 'vitest';
import { compileWat } from '../../../tests/support/wat.ts';
import { MONEY_MOVER, MONEY_MOVER_WAT } from './money-mover.ts';

it('the module that moves money is what its text says', async () => {
  expect(Buffer.from(MONEY_MOVER).toString('hex')).toBe(
    Buffer.from(await compileWat(MONEY_MOVER_WAT)).toString('hex'),
  );
});
