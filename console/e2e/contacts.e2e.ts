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

const example = new URL('../../examples/contacts.csv', import.meta.url).pathname;
const odd = `手机;姓名;Stadt
+8613812345670;李娜;宁波
not a number;Nobody;Nowhere
+393331234567;Ada;Rom
`;

test('a file is looked at, mapped and imported; its rejected rows say why; people are found, changed and erased', async () => {
  const { context, page } = await open(browser, service.url);
  await page.goto(service.link);
  await page.getByRole('link', { name: 'Contacts' }).click();
  await page.getByRole('link', { name: 'Import a file' }).click();
  const part = (name: string) => page.getByRole('region', { name, exact: true });

  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'kunden.csv', mimeType: 'text/csv', buffer: Buffer.from(odd) });
  await page.getByText('Encoding: UTF-8 · Between columns: ; · 3 rows').waitFor();
  await page.getByText('2 of the first 3 rows would be taken.').waitFor();
  await page.getByLabel('What Stadt becomes').selectOption('attribute');
  await page.getByLabel('Attribute for Stadt').fill('city');
  await page.getByLabel('Attribute for Stadt').press('Enter');
  await settle(page);
  await accessible(page, 'contact-import');
  await whole(page, 'contact-import');
  await picture(page, 'import', plain);

  await page.getByRole('button', { name: 'Import them' }).click();
  await page.getByText('Say what these people agreed to.').waitFor();
  await page.getByLabel('Consent to marketing').selectOption('OPTED_IN');
  await page.getByLabel('Put them on a list').selectOption('new');
  await page.getByRole('button', { name: 'Import them' }).click();
  await part('These people').getByRole('alert').first().waitFor(); // no source, at its field
  await page.getByLabel('Where and when they agreed').fill('fair in Ningbo, 2026-03-01');
  await page.getByRole('button', { name: 'Import them' }).click();
  await part('kunden.csv').getByText('Completed').waitFor({ timeout: 30_000 });
  await part('kunden.csv').getByRole('cell', { name: 'not a number', exact: true }).waitFor();
  await settle(page);
  await accessible(page, 'import-over');
  await picture(page, 'import-over', plain);
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download all of them' }).click(),
  ]);
  expect(await file.failure()).toBe(null);

  // The example of the repository, which has rows of every kind.
  await page.getByRole('link', { name: 'Import another file' }).click();
  await page.locator('input[type=file]').setInputFiles(example);
  await page.getByText(/of the first 50 rows would be taken/).waitFor();
  await page.getByLabel('Consent to marketing').selectOption('none');
  await page.getByRole('button', { name: 'Import them' }).click();
  await part('contacts.csv').getByText('Completed').waitFor({ timeout: 60_000 });

  // From a list to its people, and to one of them.
  await page.getByRole('link', { name: 'Lists', exact: true }).click();
  await page.getByRole('link', { name: 'kunden', exact: true }).click();
  await page.getByText('2 people now').waitFor();
  await page.getByRole('list', { name: 'Filter' }).getByText('List is one of kunden').waitFor();
  await page.getByRole('button', { name: /李娜/ }).click();
  const panel = page.getByRole('dialog');
  await panel.getByText('fair in Ningbo, 2026-03-01').waitFor();
  await panel.getByText('宁波').waitFor();
  await settle(page);
  await accessible(page, 'contact');
  await picture(page, 'contact', plain);
  await panel.getByRole('button', { name: 'Change' }).click();
  await panel.getByLabel('Time zone').fill('Nowhere/Here');
  await panel.getByRole('button', { name: 'Save' }).click();
  await panel.getByRole('alert').first().waitFor(); // at its field
  await panel.getByLabel('Time zone').fill('Asia/Shanghai');
  await panel.getByLabel('Tags').fill('vip, 批发');
  await panel.getByRole('button', { name: 'Save' }).click();
  await panel.getByText('vip, 批发').waitFor();
  await panel.getByRole('button', { name: 'Erase…' }).click();
  await panel.getByRole('button', { name: 'Erase this person' }).click();
  await panel.waitFor({ state: 'detached' });
  await page.getByText('1 person now').waitFor();

  // The count of a rule follows the typing; the rule is saved and read back.
  await page.getByRole('link', { name: 'Segments' }).click();
  await page.getByRole('button', { name: 'New segment' }).click();
  await page.getByLabel('Name of the segment').fill('Rome');
  await page.getByRole('button', { name: 'Add a condition' }).click();
  await page.getByRole('menuitem', { name: 'Attribute' }).click();
  await page.getByLabel('Which attribute').fill('city');
  await page.getByLabel('Values').fill('Rom');
  await page.getByText('1 person now').waitFor();
  await page.reload();
  expect(await page.getByLabel('Values').inputValue()).toBe('Rom');
  await settle(page);
  await accessible(page, 'segment');
  await picture(page, 'segment', plain);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('city is Rom').waitFor();

  await page.getByRole('link', { name: 'Suppression list' }).click();
  await page.getByRole('button', { name: 'Add numbers' }).click();
  await page.getByLabel('Numbers, one a line').fill('nonsense');
  await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
  await page.getByRole('dialog').getByRole('alert').first().waitFor();
  await page.getByLabel('Numbers, one a line').fill('+39 333 123 4567');
  await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
  await page.getByText('+393331234567').waitFor();
  await page.goto(`/contacts?find=${encodeURIComponent('+393331234567')}`);
  await page.getByText('Suppressed').waitFor();
  page.fine();
  await context.close();
});
