import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accessible, open, picture, plain, settle, startBrowser, whole } from './browser';
import { type Service, startService, until } from './service';

let service: Service;
let browser: Browser;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), startBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click();

const figure = async (page: Page, name: string) => {
  const text = await page
    .locator('dl > div', { has: page.locator('dt', { hasText: name }) })
    .first()
    .locator('dd')
    .textContent();
  return Number(text?.replace(/\D/g, ''));
};

test('a campaign is launched for the people shown, watched live through a cut, paused, resumed, and its failures are told', async () => {
  const { context, page } = await open(browser, service.url);
  await page.goto(service.link);
  await page.getByRole('link', { name: 'Campaigns' }).click();
  await page.getByRole('link', { name: 'Spring sale' }).click();
  await press(page, 'Launch…');
  const button = page.getByRole('button', { name: /Send to [1-9]\d* people/ });
  await button.waitFor();
  const people = Number((await button.textContent())?.replace(/\D/g, ''));
  expect(people).toBeGreaterThan(400);
  await accessible(page, 'launch');
  await picture(page, 'launch', plain);
  await button.click();

  const stream = page.getByRole('list', { name: 'As it happens' }).locator('li');
  await stream.first().waitFor();
  await press(page, 'Pause');
  await page.getByText(/A member paused it/).waitFor();
  await press(page, 'Resume');
  await picture(page, 'campaign-live', plain);

  // The program goes away and comes back, as a tunnel would have it: the page goes on by itself.
  await service.pause();
  await page.getByText(/The service does not answer/).waitFor();
  await service.start();
  await page.getByText(/The service does not answer/).waitFor({ state: 'detached', timeout: 30_000 });
  await page.getByText('Completed', { exact: true }).first().waitFor({ timeout: 60_000 });
  await until('every message is read or failed', async () => (await figure(page, 'Waiting')) === 0);

  const { campaigns } = await service.ask<{
    campaigns: { edges: { node: { progress: { total: number; read: number; failed: number; skipped: number } } }[] };
  }>('{ campaigns(first: 1) { edges { node { progress { total read failed skipped } } } } }');
  const truth = campaigns.edges[0]?.node.progress;
  expect(await figure(page, 'People')).toBe(truth?.total);
  await until('what is shown is what is true', async () => (await figure(page, 'Failed')) === truth?.failed);
  await page
    .getByRole('button', { name: /Send these \d+ again/ })
    .first()
    .waitFor();
  await settle(page);
  await accessible(page, 'campaign');
  await whole(page, 'campaign');
  await picture(page, 'campaign-over', plain);

  // From a number to its messages, and to one with its reason.
  await page.locator('section[aria-label="Why messages failed"] a').first().click();
  await page.getByText(/Only of Spring sale/).waitFor();
  await settle(page);
  await accessible(page, 'messages');
  await page.locator('main li a').first().click();
  await page.getByRole('heading', { name: 'What happened' }).waitFor();
  await page.getByText('Failed', { exact: true }).first().waitFor();
  await settle(page);
  await accessible(page, 'message');
  await picture(page, 'message', plain);
  await page.goBack();
  await page.getByText(/Only of Spring sale/).waitFor();

  await page.getByRole('link', { name: 'Campaigns' }).click();
  await page.getByRole('textbox', { name: 'Name of a campaign' }).fill('nothing of that name');
  await page.keyboard.press('Enter');
  await page.getByText('No campaign fits.').waitFor();
  expect(page.url()).toContain('search=nothing');
  await context.close();
});
