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

test('a campaign is written, survives a reload, is estimated, tried on one person, and launched for the people shown', async () => {
  const { context, page } = await open(browser, service.url);
  await page.goto(service.link);
  await page.getByRole('link', { name: 'Campaigns' }).click();
  await page.getByRole('link', { name: 'New campaign' }).click();
  const part = (name: string) => page.getByRole('region', { name, exact: true });

  // What is missing is told at its field.
  await page.getByRole('button', { name: 'Save and estimate' }).click();
  await part('What is sent').getByRole('alert').first().waitFor();
  await page.getByLabel('Name of the campaign').fill('Shoes for Italy');
  await page.getByLabel('Template', { exact: true }).selectOption({ index: 1 });
  await page.getByRole('button', { name: 'Add a condition' }).click();
  await page.getByRole('menuitem', { name: 'Consent' }).click();
  await page.getByLabel('Not known').check();
  await part('To whom')
    .getByText(/[1-9]\d+ people now/)
    .waitFor();

  const values = part('Values').locator('fieldset');
  for (const binding of await values.all()) {
    await binding.getByLabel('Comes from').selectOption('field');
    await binding.getByLabel('Which field').selectOption('name');
    await binding.getByLabel('Where that is missing').fill('friend');
  }
  await page.getByLabel('Begins').fill('2020-01-01T10:00');
  await page.getByLabel('A few first, and the rest only if that went well').check();
  await page.getByLabel('How many first').fill('0');
  await settle(page);
  await accessible(page, 'campaign-editor');
  await whole(page, 'campaign-editor');

  await page.reload();
  expect(await page.getByLabel('Name of the campaign').inputValue()).toBe('Shoes for Italy');
  expect(await page.getByLabel('Not known').isChecked()).toBe(true);
  await page.getByRole('button', { name: 'Save and estimate' }).click();
  await part('When and how fast').getByRole('alert').nth(1).waitFor(); // a time that has passed, and nobody first
  await page.getByLabel('Begins').fill('');
  await page.getByLabel('How many first').fill('20');
  await page.getByLabel('Then wait for how many minutes').fill('0');
  await page.getByLabel('Failures allowed').fill('100');
  await page.getByRole('button', { name: 'Save and estimate' }).click();
  const estimate = part('What a launch would do');
  await estimate.getByRole('table', { name: 'By country' }).waitFor({ timeout: 30_000 });
  await part('As the first people get it').getByRole('group').first().waitFor();
  await settle(page);
  await accessible(page, 'campaign-estimate');
  await whole(page, 'campaign-estimate');
  await picture(page, 'campaign-estimate', plain);

  // Somebody else changes the same draft meanwhile: who comes second is told.
  const id = page.url().split('/').at(-2);
  await service.ask(
    'mutation($id: ID!) { updateCampaign(input: { campaignId: $id, rateLimit: 50 }) { userErrors { message } } }',
    { id },
  );
  await page.getByLabel('Name of the campaign').fill('Shoes for all');
  await page.getByRole('button', { name: 'Save and estimate' }).click();
  await page.getByText(/Somebody has changed this campaign since you began/).waitFor();
  expect(await page.getByLabel('Name of the campaign').inputValue()).toBe('Shoes for all');
  await page.getByRole('button', { name: 'Discard mine and show theirs' }).click();
  await page.getByText(/Somebody has changed/).waitFor({ state: 'detached' });
  expect(await page.getByLabel('Messages a second at most').inputValue()).toBe('50');

  // A test message to a magic number that the sandbox fails, and to one that it reads.
  const trial = part('Test message');
  await trial.getByLabel('Your number').fill('+1 416 555 0140');
  await trial.getByRole('button', { name: 'Send it to one person' }).click();
  await trial.getByText('Failed', { exact: true }).waitFor({ timeout: 30_000 });
  await trial.getByLabel('Your number').fill('+1 416 555 0100');
  await trial.getByRole('button', { name: 'Send it to one person' }).click();
  await trial.getByText('Read', { exact: true }).waitFor({ timeout: 30_000 });

  await page.getByRole('button', { name: 'Estimate' }).click();
  await page.getByRole('button', { name: 'Launch…' }).click();
  await page.getByRole('button', { name: /Send to [1-9]\d* people/ }).click();
  await page.getByRole('heading', { level: 1, name: 'Shoes for Italy' }).waitFor();
  await page.getByRole('list', { name: 'As it happens' }).locator('li').first().waitFor({ timeout: 30_000 });
  page.fine();
  await context.close();
});
