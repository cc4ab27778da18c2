import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accessible, open, picture, plain, settle, startBrowser, whole } from './browser';
import { type Service, startService } from './service';

let service: Service;
let browser: Browser;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), startBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

test('an account is synced, its number capped, presented and registered anew; another is connected and let go', async () => {
  const { context, page } = await open(browser, service.url);
  await page.goto(service.link);
  await page.getByRole('link', { name: 'Accounts and numbers' }).click();
  await page.getByRole('button', { name: /^Sync/ }).click();
  await page.getByText('Last read as a whole').waitFor();

  const cap = page.getByLabel(/^At most a second/);
  await cap.fill('0');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('alert').first().waitFor(); // at its field
  await cap.fill('40');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Save' }).waitFor({ state: 'detached' });
  await page.reload();
  expect(await cap.inputValue()).toBe('40');

  const dialog = page.getByRole('dialog');
  const number = async (entry: string) => {
    await page.getByRole('button', { name: /^Change \+/ }).click();
    await page.getByRole('menuitem', { name: entry }).click();
  };
  await number('Profile…');
  await dialog.getByLabel('About').fill('Shoes since 1921');
  await dialog.getByLabel('E-mail address').fill('nonsense');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').first().waitFor(); // at its field
  await dialog.getByLabel('E-mail address').fill('shop@example.com');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await number('Profile…');
  expect(await dialog.getByLabel('About').inputValue()).toBe('Shoes since 1921');
  await page.keyboard.press('Escape');
  await number('Register…');
  await dialog.getByLabel('PIN').fill('12');
  await dialog.getByRole('button', { name: 'Register' }).click();
  await dialog.getByRole('alert').first().waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });

  await page.getByRole('button', { name: 'Connect an account' }).click();
  await dialog.getByRole('button', { name: 'Connect the sandbox' }).click();
  await dialog.waitFor({ state: 'detached' });
  const second = page.getByRole('region', { name: 'Sandbox', exact: true });
  await second.waitFor();
  await settle(page);
  await accessible(page, 'accounts');
  await whole(page, 'accounts');
  await picture(page, 'accounts-two', plain);
  await second.getByRole('button', { name: /^Disconnect/ }).click();
  await dialog.getByRole('button', { name: 'Disconnect' }).click();
  await second.getByText('Disconnected').first().waitFor();
  page.fine();
  await context.close();
});
