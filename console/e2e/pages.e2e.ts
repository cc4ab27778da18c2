import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessible, type Look, open, picture, settle, startBrowser, whole } from './browser';
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

const strangers = {
  'sign-in': '/sign-in',
  'sign-up': '/sign-up',
  'forgot-password': '/forgot-password',
  'reset-password': '/reset-password#token=crp_x',
  'verify-email': '/verify-email#token=crv_x',
  'accept-invitation': '/accept-invitation#token=cri_x',
  terms: '/terms',
  enter: '/enter',
  'external-sign-in': '/external-sign-in',
  'no-such-page': '/no/such/page',
};

const members = {
  home: '/',
  start: '/start',
  'second-factor': '/second-factor',
  campaigns: '/campaigns',
  messages: '/messages',
  templates: '/templates',
  'template-new': '/templates/new',
  'campaign-new': '/campaigns/new',
  contacts: '/contacts',
  'contact-import': '/contacts/import',
  lists: '/lists',
  segments: '/segments',
  suppressions: '/suppressions',
  accounts: '/accounts',
  statistics: '/statistics',
};

// Each language in both themes and at both widths.
const looks: Look[] = [
  { language: 'en', scheme: 'light', width: 1280 },
  { language: 'zh-Hans', scheme: 'dark', width: 1280 },
  { language: 'en', scheme: 'dark', width: 360 },
  { language: 'zh-Hans', scheme: 'light', width: 360 },
];

describe.each(looks)('in $language, $scheme, $width pixels wide', look => {
  test('every page is whole, accessible and at peace with its policy', async () => {
    const { data } = await signIn();
    const { context, page } = await open(browser, service.url, look);
    const visit = async (pages: Record<string, string>) => {
      for (const [name, path] of Object.entries(pages)) {
        await page.goto('about:blank');
        await page.goto(path);
        await settle(page);
        await accessible(page, name);
        await whole(page, name);
        await picture(page, name, look);
        expect(await page.getAttribute('html', 'lang')).toBe(look.language);
      }
    };
    await visit(strangers);
    page.fine();
    await page.evaluate(token => localStorage.setItem('carillon.session', token), data);
    await visit({ ...members, ...(await pagesOfOne()) });
    page.fine();
    await context.close();
  });
});

// The pages of what the demonstration has: one of each.
const pagesOfOne = async (): Promise<Record<string, string>> => {
  type One = { edges: { node: { id: string } }[] };
  const { campaigns, templates } = await service.ask<{ campaigns: One; templates: One }>(
    '{ campaigns(first: 1) { edges { node { id } } } templates(first: 1) { edges { node { id } } } }',
  );
  const [campaign, template] = [campaigns, templates].map(all => all.edges[0]?.node.id);
  return {
    campaign: `/campaigns/${campaign}`,
    template: `/templates/${template}`,
    'template-edit': `/templates/${template}/edit`,
  };
};

const signIn = async () => {
  const { signIn } = await service.ask<{ signIn: { token: string } }>(
    'mutation($input: SignInInput!) { signIn(input: $input) { token } }',
    { input: { email: service.email, password: service.password } },
  );
  return { data: signIn.token };
};

// CARILLON_PICTURES=1 makes the pictures of docs/console.md anew.
const shown: [string, string, Look][] = [
  ['campaign', '/campaigns', { language: 'en', scheme: 'light', width: 1280 }],
  ['home', '/', { language: 'en', scheme: 'light', width: 1280 }],
  ['start', '/start', { language: 'zh-Hans', scheme: 'light', width: 360 }],
];

test.runIf(process.env.CARILLON_PICTURES)('the pictures of the guide are of these pages', async () => {
  const { data } = await signIn();
  const { campaigns } = await service.ask<{ campaigns: { edges: { node: { id: string } }[] } }>(
    '{ campaigns(first: 1) { edges { node { id } } } }',
  );
  await service.ask('mutation($id: ID!) { launchCampaign(input: { campaignId: $id }) { campaign { id } } }', {
    id: campaigns.edges[0]?.node.id,
  });
  for (const [name, path, look] of shown) {
    const { context, page } = await open(browser, service.url, look);
    await page.addInitScript(token => localStorage.setItem('carillon.session', token), data);
    await page.goto(path);
    await settle(page);
    if (name === 'campaign') await page.getByRole('link', { name: 'Spring sale' }).click();
    await page.waitForTimeout(2000); // while the campaign runs
    await page.screenshot({
      path: new URL(`../../docs/console/${name}.png`, import.meta.url).pathname,
      animations: 'disabled',
    });
    await context.close();
  }
});
