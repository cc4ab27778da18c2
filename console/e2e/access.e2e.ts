import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { open, plain, settle, startBrowser } from './browser';
import { type Service, startService, until } from './service';
import { totp } from './totp';

let service: Service;
let browser: Browser;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), startBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

const password = 'a good long password';

const see = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();
const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click();
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name }).waitFor();

const signUp = async (page: Page, name: string) => {
  await page.goto('/sign-up');
  await page.getByLabel('Name of the organization').fill(`${name}'s shop`);
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel('E-mail address').fill(`${name.toLowerCase()}@example.com`);
  await page.locator('input[name=password]').fill(password);
  await page.getByLabel(/accept them/).check();
  await press(page, 'Sign up');
  await heading(page, 'Getting started');
};

const signIn = async (page: Page, email: string, secret = password) => {
  await page.getByLabel('E-mail address').fill(email);
  await page.locator('input[name=password]').fill(secret);
  await press(page, 'Sign in');
};

const tokenOf = (page: Page) => page.evaluate(() => localStorage.getItem('carillon.session') ?? '');

test('the link that the program prints signs in once, and leaves nothing in the address', async () => {
  const { context, page } = await open(browser, service.url);
  await page.goto(service.link);
  await heading(page, 'Home');
  expect(page.url()).toBe(`${service.url}/`);
  await see(page, 'Lucky Shrub');
  page.fine();
  await context.close();

  const again = await open(browser, service.url);
  await again.page.goto(service.link);
  await see(again.page, /This link is not valid/);
  expect(await again.page.evaluate(() => location.hash)).toBe('');
  expect(await tokenOf(again.page)).toBe('');
  again.page.fine();
  await again.context.close();
});

test('from signing up to a message on the own phone, each step ticks itself', async () => {
  const { context, page } = await open(browser, service.url);
  await signUp(page, 'Ann');
  const steps = page.locator('main ol > li');
  const done = async (title: string) => {
    await steps.filter({ hasText: title }).getByRole('img', { name: 'Done', exact: true }).waitFor({ timeout: 30_000 });
  };
  await done('Accept the terms');
  await press(page, 'Connect');
  await press(page, 'Connect the sandbox');
  await done('Connect a WhatsApp Business account');
  await press(page, 'Submit an example');
  await done('Have a template approved');
  await press(page, 'Send a test message');
  await page.getByLabel('Your number').fill('not a number');
  await press(page, 'Send it to one person');
  await page.getByRole('dialog').getByRole('alert').first().waitFor(); // at its field
  await page.getByLabel('Your number').fill('+1 416 555 0120'); // which the sandbox refuses
  await press(page, 'Send it to one person');
  await see(page, /^\+14165550120: /);
  await press(page, 'Send a test message');
  await page.getByLabel('Your number').fill('+1 416 555 0100');
  await press(page, 'Send it to one person');
  await done('Send a message to yourself');
  await done('Hear from WhatsApp');
  page.fine();
  await context.close();
});

test('an address is proven by the link in the mail, and by nobody without the password', async () => {
  const { context, page } = await open(browser, service.url);
  await signUp(page, 'Bea');
  await see(page, /Follow the link that was mailed to bea@example.com/);
  const link = await service.mailed('/verify-email', 'bea@example.com');

  const stranger = await open(browser, service.url);
  await stranger.page.goto(link);
  await see(stranger.page, /Give the password with which you signed up/);
  await stranger.page.locator('input[name=password]').fill('not her password');
  await press(stranger.page, 'Prove it');
  await stranger.page.getByRole('alert').first().waitFor();
  stranger.page.fine();
  await stranger.context.close();

  await page.goto(link);
  await see(page, 'bea@example.com is proven to be yours.');
  await page.goto('/');
  await heading(page, 'Home');
  expect(await page.getByText(/Follow the link/).count()).toBe(0);
  page.fine();
  await context.close();
});

test('a second factor is set up by the app, asked for at sign-in, and replaced by a recovery code', async () => {
  const { context, page } = await open(browser, service.url);
  await signUp(page, 'Cho');
  await page.goto(await service.mailed('/verify-email', 'cho@example.com'));
  await see(page, 'cho@example.com is proven to be yours.');
  await page.goto('/second-factor');
  await page.locator('input[name=password]').fill(password);
  await press(page, 'Set it up');
  await page.getByRole('img', { name: /QR code/ }).waitFor();
  const secret = await page.locator('code').first().textContent();
  await page.getByLabel('Six digits').fill('000000');
  await press(page, 'Put it into force');
  await page.getByRole('alert').first().waitFor();
  await page.getByLabel('Six digits').fill(totp(secret ?? ''));
  await press(page, 'Put it into force');
  await see(page, /Keep these recovery codes/);
  const codes = await page.locator('main li code').allInnerTexts();
  expect(codes).toHaveLength(10);
  await press(page, 'I have kept them');
  await see(page, 'Your sign-in is protected');

  await page.getByRole('button', { name: 'Cho', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await heading(page, 'Sign in');
  await signIn(page, 'cho@example.com');
  await page.getByLabel('Code').fill(codes[0] ?? '');
  await press(page, 'Sign in');
  await heading(page, 'Home');
  await page.goto('/second-factor');
  await see(page, 'Recovery codes left: 9');
  page.fine();
  await context.close();
});

test('who is invited joins by the mail; a viewer is offered nothing that changes', async () => {
  await service.ask(
    'mutation($input: InviteMemberInput!) { inviteMember(input: $input) { expiresAt userErrors { message } } }',
    { input: { email: 'dan@example.com', role: 'VIEWER' } },
  );
  const { context, page } = await open(browser, service.url);
  await page.goto(await service.mailed('/accept-invitation', 'dan@example.com'));
  await page.getByLabel('Your name').fill('Dan');
  await page.locator('input[name=password]').fill(password);
  await press(page, 'Join');
  await page.locator('.mantine-Checkbox-error').waitFor(); // the terms are not accepted
  await page.getByLabel(/accept them/).check();
  await press(page, 'Join');
  await heading(page, 'Home');
  await see(page, 'Lucky Shrub');
  await page.goto('/start');
  await see(page, 'Launch the first campaign');
  await settle(page);
  expect(await page.locator('main button').allInnerTexts()).toEqual([]);
  page.fine();
  await context.close();
});

test('a new password is set by the link in the mail, and ends the other sessions', async () => {
  const { context, page } = await open(browser, service.url);
  await signUp(page, 'Eve');
  await page.goto(await service.mailed('/verify-email', 'eve@example.com'));
  await see(page, 'eve@example.com is proven to be yours.');
  await page.goto('/start');
  await heading(page, 'Getting started');

  const other = await open(browser, service.url);
  await other.page.goto('/sign-in');
  await other.page.getByRole('link', { name: 'Forgot your password?' }).click();
  await other.page.getByLabel('E-mail address').fill('eve@example.com');
  await press(other.page, 'Mail me a link');
  await see(other.page, /a link is on its way/);
  const link = await service.mailed('/reset-password', 'eve@example.com');
  await other.page.goto(link);
  await other.page.getByLabel('New password').fill('short');
  await press(other.page, 'Set the password');
  await other.page.getByRole('alert').first().waitFor();
  await other.page.getByLabel('New password').fill('another good password');
  await press(other.page, 'Set the password');
  await heading(other.page, 'Home');
  other.page.fine();
  await other.context.close();

  // The first tab finds its session over, and is where it was once its user has signed in again.
  await page.reload();
  await see(page, /Your session is over/);
  await signIn(page, 'eve@example.com', 'another good password');
  await heading(page, 'Getting started');
  await context.close();
});

test('a language that somebody chooses is theirs in every browser', async () => {
  const { context, page } = await open(browser, service.url);
  await signUp(page, 'Fay');
  await press(page, 'Language: English');
  await page.getByRole('menuitem', { name: '简体中文' }).click();
  await heading(page, '开始使用');
  const token = await tokenOf(page);
  await until('the service knows it', async () => {
    const { viewer } = await service.ask<{ viewer: { user: { locale: string | null } } }>(
      '{ viewer { user { locale } } }',
      {},
      token,
    );
    return viewer.user.locale === 'zh-Hans';
  });
  page.fine();
  await context.close();

  const other = await open(browser, service.url, plain);
  await other.page.goto('/sign-in');
  await signIn(other.page, 'fay@example.com');
  await heading(other.page, '首页');
  other.page.fine();
  await other.context.close();
});

test('a member of two organizations goes from one to the other', async () => {
  const { context, page } = await open(browser, service.url);
  await signUp(page, 'Gus');
  await press(page, /Organization: Gus's shop/);
  await page.getByRole('menuitem', { name: 'New organization' }).click();
  await page.getByRole('dialog').getByLabel('Name of the organization').fill('Second shop');
  await page.getByLabel(/accept them/).check();
  await press(page, 'Make it');
  await press(page, /Organization: Second shop/);
  await page.getByRole('menuitem', { name: "Gus's shop" }).click();
  await page.getByRole('button', { name: /Organization: Gus's shop/ }).waitFor();
  page.fine();
  await context.close();
});

test('nothing that was typed is lost while the service is away', async () => {
  const { context, page } = await open(browser, service.url);
  await signUp(page, 'Hal');
  await service.pause();
  await see(page, /The service does not answer/);
  await service.start();
  await page.getByText(/The service does not answer/).waitFor({ state: 'detached', timeout: 30_000 });
  await heading(page, 'Getting started');
  await context.close();
});
