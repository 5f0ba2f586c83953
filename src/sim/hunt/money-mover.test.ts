import { expect, it } from 'vitest';
import { compileWat } from '../../../tests/support/wat.ts';
import { MONEY_MOVER, MONEY_MOVER_WAT } from './money-mover.ts';
import { XNET_CANISTER, XNET_CANISTER_WAT } from './xnet-canister.ts';

it.each([
  ['moves money', MONEY_MOVER, MONEY_MOVER_WAT],
  ['calls other subnets', XNET_CANISTER, XNET_CANISTER_WAT],
])('the module that %s is what its text says', async (_, module, text) => {
  expect(Buffer.from(module).toString('hex')).toBe(
    Buffer.from(await compileWat(text)).toString('hex'),
  );
});
