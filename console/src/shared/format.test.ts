import { expect, test } from 'vitest';
import { ago, midnight, moment, number, share, span } from './format';

test('numbers and shares are written as the language writes them', () => {
  expect(number(1234567, 'en')).toBe('1,234,567');
  expect(share(0.5, 'zh-Hans')).toBe('50%');
  expect(share(0.0123, 'en')).toBe('1.2%');
  expect(share(0, 'en')).toBe('0%');
});

test('a span has its two largest units', () => {
  expect(span(0, 'en')).toBe('0s');
  expect(span(59.6, 'en')).toBe('1m');
  expect(span(3725, 'en')).toBe('1h 2m');
  expect(span(90_000, 'en')).toBe('1d 1h');
  expect(span(-5, 'en')).toBe('0s');
});

test('how long ago is told in the largest unit', () => {
  const now = Date.parse('2026-11-30T12:00:00Z');
  expect(ago('2026-11-30T11:59:30Z', 'en', now)).toBe('30 seconds ago');
  expect(ago('2026-11-30T09:30:00Z', 'en', now)).toBe('2 hours ago');
  expect(ago('2026-12-03T12:00:00Z', 'zh-Hans', now)).toBe('3天后');
});

test('a time is shown in the zone of the organization', () => {
  expect(moment('2026-11-30T20:00:00Z', 'en', 'Asia/Shanghai')).toMatch(/Dec 1, 2026, 4:00/);
});

test('midnight is when today began in the zone of the organization', () => {
  const now = new Date('2026-11-30T20:15:30.250Z');
  expect(midnight('UTC', now).toISOString()).toBe('2026-11-30T00:00:00.000Z');
  expect(midnight('Asia/Shanghai', now).toISOString()).toBe('2026-11-30T16:00:00.000Z');
  expect(midnight('Asia/Kathmandu', now).toISOString()).toBe('2026-11-30T18:15:00.000Z');
});
