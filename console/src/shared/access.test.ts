import { expect, test } from 'vitest';
import { codeOf, refusals, words } from './errors';
import { languageOf } from './i18n';
import { pathOf, session } from './session';
import { may } from './viewer';

test('a link sends nobody to another site after the sign-in', () => {
  for (const path of ['/', '/start', '/campaigns/cmp_1?tab=log#top']) expect(pathOf(path)).toBe(path);
  for (const path of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'start',
    '/a\nb',
    '/ x',
    7,
    undefined,
  ]) {
    expect(pathOf(path)).toBeUndefined();
  }
});

test('who follows the session hears of every change once', () => {
  const seen: (string | null)[] = [];
  const stop = session.subscribe(() => seen.push(session.get()));
  session.set('crs_a');
  session.set('crs_a');
  session.set(null);
  stop();
  session.set('crs_b');
  session.set(null);
  expect(seen).toEqual(['crs_a', null]);
});

test('the nearest language is spoken', () => {
  expect(languageOf([null, 'zh-TW', 'en'])).toBe('zh-Hans');
  expect(languageOf(['fr', 'en-GB'])).toBe('en');
  expect(languageOf(['zhuang'])).toBe('en');
  expect(languageOf([])).toBe('en');
});

test('a role includes those below it', () => {
  expect(may('OWNER', 'ADMIN')).toBe(true);
  expect(may('VIEWER', 'VIEWER')).toBe(true);
  expect(may('CAMPAIGNER', 'ADMIN')).toBe(false);
});

test('each refusal stands at its field, and one without a field at the form', () => {
  const found = refusals(
    [
      { field: ['email'], message: 'Taken.' },
      { field: ['components', '1', 'text'], message: 'Too long.' },
      { field: ['elsewhere'], message: 'No.' },
      { field: [], message: 'Not now.' },
    ],
    ['email', 'components'],
  );
  expect(found).toEqual({ email: 'Taken.', components: 'Too long.', '': 'No. Not now.' });
});

test("the service's own words are shown, and ours only where it gave none", () => {
  const refused = { graphQLErrors: [{ message: 'No.', extensions: { code: 'FORBIDDEN' } }], message: '[GraphQL] No.' };
  expect(words(refused as never, 'away')).toBe('No.');
  expect(codeOf(refused as never)).toBe('FORBIDDEN');
  expect(words({ graphQLErrors: [], networkError: new Error('x'), message: 'x' } as never, 'away')).toBe('away');
});
