import { expect, test } from 'vitest';
import { before, change, daysOf, periodOf } from './period';

test('a period has whole days of its zone, today included, up to the end of the hour', () => {
  const now = Date.parse('2026-03-10T18:20:00Z'); // the 11th in Shanghai
  const period = periodOf(7, 'Asia/Shanghai', now);
  expect(period).toEqual({ since: '2026-03-04T16:00:00.000Z', until: '2026-03-10T19:00:00.000Z' });
  expect(daysOf(period, 'Asia/Shanghai')).toEqual([
    '2026-03-05',
    '2026-03-06',
    '2026-03-07',
    '2026-03-08',
    '2026-03-09',
    '2026-03-10',
    '2026-03-11',
  ]);
});

test('a day of 23 hours is one day', () => {
  const period = periodOf(3, 'Europe/Berlin', Date.parse('2026-03-30T10:00:00Z'));
  expect(daysOf(period, 'Europe/Berlin')).toEqual(['2026-03-28', '2026-03-29', '2026-03-30']);
});

test('the period before is as long, and ends where this one begins', () => {
  const period = { since: '2026-03-04T00:00:00.000Z', until: '2026-03-05T06:00:00.000Z' };
  expect(before(period)).toEqual({ since: '2026-03-02T18:00:00.000Z', until: '2026-03-04T00:00:00.000Z' });
  expect(change(150, 100)).toBe(0.5);
  expect(change(5, 0)).toBeUndefined();
});
