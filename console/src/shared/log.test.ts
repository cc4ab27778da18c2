import { expect, test } from 'vitest';
import { keep, type LogEvent } from './log';

const event = (sequence: number): LogEvent => ({
  sequence,
  status: 'SENT',
  at: '',
  error: null,
  message: { id: '', to: null },
});
const events = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => event(from + i));

test('the newest event is on top', () => {
  expect(keep(keep([], events(1, 3)), events(4, 5)).map(e => e.sequence)).toEqual([5, 4, 3, 2, 1]);
});

test('however many come, the page keeps 200', () => {
  let kept: LogEvent[] = [];
  for (let i = 0; i < 50; i++) kept = keep(kept, events(i * 1000 + 1, (i + 1) * 1000));
  expect(kept).toHaveLength(200);
  expect(kept[0]?.sequence).toBe(50_000);
  expect(kept.at(-1)?.sequence).toBe(49_801);
});
