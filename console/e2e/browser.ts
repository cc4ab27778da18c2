import { mkdirSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

export type Look = { language: 'en' | 'zh-Hans'; scheme: 'light' | 'dark'; width: 360 | 1280 };

export const plain: Look = { language: 'en', scheme: 'light', width: 1280 };

export const startBrowser = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });

let browsers = 1;

export type Tab = Page & { fine: () => void };

// open is a browser of its own. What it complains of, or asks of another host, fails the test that
// calls check.
export const open = async (
  browser: Browser,
  url: string,
  look: Look = plain,
): Promise<{ context: BrowserContext; page: Tab }> => {
  const context = await browser.newContext({
    baseURL: url,
    extraHTTPHeaders: { 'X-Forwarded-For': `127.0.0.${++browsers}` },
    locale: look.language === 'en' ? 'en-US' : 'zh-CN',
    colorScheme: look.scheme,
    reducedMotion: 'reduce',
    viewport: { width: look.width, height: look.width === 360 ? 740 : 860 },
  });
  context.setDefaultTimeout(10_000);
  const page = (await context.newPage()) as Tab;
  const complaints: string[] = [];
  page.on('request', request => {
    if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).host !== new URL(url).host) {
      complaints.push(`asked ${request.url()}`);
    }
  });
  page.on('pageerror', error => complaints.push(`threw ${error.message}`));
  page.on('console', message => {
    const text = message.text();
    const known = /Failed to load resource: net::ERR_CONNECTION|WebSocket connection to/.test(text); // when a test cuts it
    if (['error', 'warning'].includes(message.type()) && !known) complaints.push(`said ${text}`);
  });
  page.fine = () => expect(complaints.splice(0)).toEqual([]);
  return { context, page };
};

// settle waits until nothing is loading.
export const settle = async (page: Page) => {
  await page.waitForFunction(() => !document.querySelector('[class*="Skeleton"]') && document.querySelector('h1'));
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
};

// accessible holds a page to WCAG 2.2 AA, as far as a program can tell.
export const accessible = async (page: Page, name: string) => {
  await page.evaluate(axe.source);
  const found = await page.evaluate(() =>
    (window as unknown as { axe: typeof axe }).axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }),
  );
  const said = found.violations.map(
    v => `${name}: ${v.id}: ${v.help}: ${v.nodes.map(n => `${n.target} ${n.failureSummary}`).join(' | ')}`,
  );
  expect(said).toEqual([]);
};

// whole fails where something is wider than the window, or a text of one line is cut off.
export const whole = async (page: Page, name: string) => {
  const found = await page.evaluate(() => {
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    const cut = [...document.querySelectorAll<HTMLElement>('button, h1, h2, label, dt, dd')]
      .filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'visible')
      .map(e => e.textContent);
    return { wide, cut };
  });
  expect({ name, ...found }).toEqual({ name, wide: 0, cut: [] });
};

const folder = new URL('../screenshots/', import.meta.url).pathname;

export const picture = async (page: Page, name: string, look: Look) => {
  mkdirSync(folder, { recursive: true });
  await page.screenshot({
    path: `${folder}${name}-${look.language}-${look.width}-${look.scheme}.png`,
    fullPage: true,
    animations: 'disabled',
    caret: 'hide',
  });
};
