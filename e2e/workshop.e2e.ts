import { expect, type Page, test } from '@playwright/test';
import { openPage } from './network.ts';

async function openDoor(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name, exact: true }).first().click();
}

// With touch the program is a plain field, which a test can fill in one go.
test.use({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } });

const GREETER = `persistent actor class Greeter(greeting : Text, start : Nat) {
  var count = start;
  public func greet(name : Text) : async (Text, Nat) {
    count += 1;
    (greeting # ", " # name, count)
  };
}`;

test('an actor class is installed with arguments; forms and answers outlast a change of doors', async ({
  page,
}) => {
  await openPage(page, '?nodes=1&pace=turbo');
  await openDoor(page, 'Build');
  const program = page.getByRole('textbox', { name: 'Motoko program' });
  await program.fill(GREETER);
  await page.getByRole('button', { name: 'Compile and deploy' }).click();
  const init = page.getByTestId('init-form');
  await expect(init).toBeVisible({ timeout: 90_000 });
  const [greeting, start] = [init.getByRole('textbox').nth(0), init.getByRole('textbox').nth(1)];
  await greeting.fill('Good day');
  await start.fill('minus one');
  await init.getByRole('button', { name: 'Install' }).click();
  await expect(init).toContainText(/natural|number|digits/u);
  // What was typed is still there after a look at the ring.
  await openDoor(page, 'Observe');
  await openDoor(page, 'Build');
  await expect(greeting).toHaveValue('Good day');
  await start.fill('41');
  await init.getByRole('button', { name: 'Install' }).click();

  const card = page.getByTestId('canister').first();
  await expect(card).toBeVisible({ timeout: 60_000 });
  const greet = card.getByTestId('method-greet');
  await greet.getByRole('textbox').fill('Ada');
  await greet.getByRole('button', { name: 'Call' }).click();
  await openDoor(page, 'Observe');
  await openDoor(page, 'Build');
  await expect(greet.locator('output')).toHaveText('("Good day, Ada", 42)');
  await expect(greet.getByTestId('proof')).toContainText('Certified by the subnet');
  await expect(greet.getByRole('textbox')).toHaveValue('Ada');
  await expect(program).toHaveValue(GREETER);
});
