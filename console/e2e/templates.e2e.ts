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

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

test('a template is written with its preview beside it, survives a reload, is submitted, and changed by one at a time', async () => {
  const { context, page } = await open(browser, service.url);
  await page.goto(service.link);
  await page.getByRole('link', { name: 'Templates' }).click();
  await page.getByRole('link', { name: 'New template' }).click();
  const part = (name: string) => page.getByRole('region', { name, exact: true });
  const bubble = page.getByRole('group', { name: 'As people see it' });

  // What breaks a rule is told at its field, as one types.
  await page.getByLabel('Name', { exact: true }).fill('spring news');
  await part('Text').getByLabel('Text of the message').fill('{{first_name}}, new shoes are in.');
  await part('Text').locator('.mantine-InputWrapper-error').first().waitFor();
  await part('Text').getByLabel('Text of the message').fill('Hi {{first_name}}, new shoes are in. See you!');
  await part('Text').getByLabel('Sample for {{first_name}}').fill('Ana');
  await bubble.getByText('Hi Ana, new shoes are in. See you!').waitFor();

  // A picture, as an example for the review.
  await page.getByRole('button', { name: 'Add a part' }).click();
  await page.getByRole('menuitem', { name: 'Header' }).click();
  await part('Header').getByLabel('Kind of header').selectOption('IMAGE');
  await page.locator('input[type=file]').setInputFiles({ name: 'shoes.png', mimeType: 'image/png', buffer: png });
  await part('Header').getByText('shoes.png').waitFor();
  await bubble.getByRole('img', { name: 'Picture' }).waitFor();

  await page.getByRole('button', { name: 'Add a button' }).click();
  await page.getByRole('menuitem', { name: 'Opens a web page' }).click();
  await part('Buttons').getByLabel('What stands on it').fill('Look');
  await part('Buttons').getByLabel('Address').fill('https://example.com/{{1}}');
  await part('Buttons').getByLabel('A whole address as an example').fill('https://example.com/shoes');
  await bubble.getByText('Look').waitFor();
  await settle(page);
  await accessible(page, 'template-editor');
  await whole(page, 'template-editor');
  await picture(page, 'template-editor', plain);

  await page.reload();
  await bubble.getByText('Hi Ana, new shoes are in. See you!').waitFor();
  await page.getByRole('button', { name: 'Submit for review' }).click();
  await page.getByRole('heading', { level: 1, name: 'spring_news' }).waitFor();
  await page.getByText('Approved', { exact: true }).first().waitFor({ timeout: 30_000 });
  await page.getByText('Text: Hi').waitFor({ state: 'detached' });
  await picture(page, 'template-approved', plain);

  // Another language is a draft. While it is written, somebody else changes it.
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: /Copy into another language/ }).click();
  await page.getByRole('dialog').getByLabel('Language').selectOption('de');
  await page.getByRole('dialog').getByRole('button', { name: 'Copy' }).click();
  await page.getByRole('heading', { level: 1, name: 'Change the template' }).waitFor();
  await part('Text').getByLabel('Text of the message').fill('Hallo {{first_name}}, neue Schuhe sind da. Bis bald!');
  const id = page.url().split('/').at(-2);
  await service.ask(
    `mutation($input: UpdateTemplateInput!) { updateTemplate(input: $input) { template { id } userErrors { message } } }`,
    { input: { templateId: id, components: [{ type: 'BODY', text: 'Somebody else was here.' }] } },
  );
  await page.getByRole('button', { name: 'Save the draft' }).click();
  await page.getByText(/Somebody has changed this template since you began/).waitFor();
  expect(await part('Text').getByLabel('Text of the message').inputValue()).toContain('Hallo');
  await page.getByRole('button', { name: 'Discard mine and show theirs' }).click();
  await bubble.getByText('Somebody else was here.').waitFor();
  await page.getByRole('button', { name: 'Save the draft' }).click();
  await page.getByRole('heading', { level: 1, name: 'spring_news' }).waitFor();

  // By name, with a chip for each language.
  await page.getByRole('link', { name: 'Templates' }).click();
  const chips = page.getByRole('list', { name: 'Languages of spring_news' }).getByRole('link');
  await chips.nth(1).waitFor();
  expect((await chips.allInnerTexts()).map(text => text.replace(/\s+/g, ' '))).toEqual([
    'English Approved',
    'German Draft',
  ]);

  // What WhatsApp refuses says why.
  await service.ask(
    `mutation($account: ID!) { createTemplate(input: { accountId: $account, template: { name: "shoes_rejected", language: "en",
      category: UTILITY, components: [{ type: BODY, text: "Your order is on its way." }] } }) { userErrors { message } } }`,
    { account: await accountOf() },
  );
  await page.getByRole('link', { name: 'shoes_rejected' }).click();
  await page.getByText('WhatsApp refused it').waitFor({ timeout: 30_000 });
  await page.getByText('INVALID_FORMAT').first().waitFor();
  page.fine();
  await context.close();
});

const accountOf = async () => {
  const { accounts } = await service.ask<{ accounts: { edges: { node: { id: string } }[] } }>(
    '{ accounts(first: 1) { edges { node { id } } } }',
  );
  return accounts.edges[0]?.node.id;
};
