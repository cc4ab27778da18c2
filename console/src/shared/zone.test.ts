import { expect, test } from 'vitest';
import { instantOf, wallOf, zones } from './zone';

test('a time on the wall is a moment in its zone, and back', () => {
  for (const [wall, zone, instant] of [
    ['2026-03-01T09:30', 'Asia/Shanghai', '2026-03-01T01:30:00.000Z'],
    ['2026-07-01T09:30', 'Europe/Berlin', '2026-07-01T07:30:00.000Z'],
    ['2026-12-31T23:45', 'America/New_York', '2027-01-01T04:45:00.000Z'],
    ['2026-05-05T00:00', 'Asia/Kathmandu', '2026-05-04T18:15:00.000Z'],
  ] as const) {
    expect(instantOf(wall, zone)).toBe(instant);
    expect(wallOf(instant, zone)).toBe(wall);
  }
});

test('of a time that comes twice the first is meant; a skipped one comes after the skip', () => {
  expect(instantOf('2026-10-25T02:30', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z');
  expect(instantOf('2026-03-29T02:30', 'Europe/Berlin')).toBe('2026-03-29T01:30:00.000Z');
});

test('the organization’s zone is the first to choose', () => {
  expect(zones('Asia/Shanghai')[0]).toBe('Asia/Shanghai');
  expect(new Set(zones('UTC')).size).toBe(zones('UTC').length);
});
