import { expect, test } from 'vitest';
import { changesOf, type Draft, draftOf, emptyDraft, placeOf, wholeOf } from './draft';

const draft: Draft = {
  ...emptyDraft('Asia/Shanghai'),
  name: 'Spring',
  templateId: 'tpl_1',
  phoneNumberId: 'pho_1',
  lists: ['lst_1'],
  excludeSegments: ['seg_1'],
  conditions: [{ field: 'country', op: 'in', key: '', text: 'CN' }],
  bindings: {
    first_name: { from: 'field', value: 'name', fallback: 'you' },
    city: { from: 'attribute', value: 'town', fallback: '' },
    code: { from: 'value', value: 'SPRING', fallback: 'ignored' },
    empty: { from: 'value', value: '', fallback: '' },
  },
  start: '2026-03-01T09:30',
  recipientTime: true,
  rate: '20',
  failures: '12.5',
  canary: true,
};

test('a draft says all of it, in the words of the contract', () => {
  expect(wholeOf(draft)).toEqual({
    name: 'Spring',
    templateId: 'tpl_1',
    phoneNumberId: 'pho_1',
    translate: false,
    audience: {
      listIds: ['lst_1'],
      segmentIds: [],
      filter: { country: ['CN'] },
      excludeListIds: [],
      excludeSegmentIds: ['seg_1'],
    },
    parameters: [
      { parameter: 'first_name', contactField: 'name', fallback: 'you' },
      { parameter: 'city', attribute: 'town' },
      { parameter: 'code', value: 'SPRING' },
    ],
    missingParameter: 'SKIP',
    scheduledAt: '2026-03-01T01:30:00.000Z',
    timeZone: 'Asia/Shanghai',
    recipientTime: true,
    expiresAt: null,
    rateLimit: 20,
    failureThreshold: 0.125,
    canary: { size: 100, waitSeconds: 600, maxFailureRate: 0.1 },
  });
});

test('only what was changed is sent, so that people whom a program added stay', () => {
  expect(changesOf(draft, draft)).toEqual({});
  expect(changesOf(draft, { ...draft, name: 'Summer', rate: '' })).toEqual({ name: 'Summer', rateLimit: null });
  expect(Object.keys(changesOf(draft, { ...draft, start: '' }))).toEqual(['scheduledAt', 'timeZone', 'recipientTime']);
});

test('what is stored is read back as it was written', () => {
  const { empty: _, ...bindings } = draft.bindings;
  const stored = draftOf(
    {
      name: 'Spring',
      template: { id: 'tpl_1' },
      phoneNumber: { id: 'pho_1' },
      translate: false,
      audience: {
        lists: [{ id: 'lst_1' }],
        segments: [],
        excludeLists: [],
        excludeSegments: [{ id: 'seg_1' }],
        rule: [{ field: 'country', operator: 'in', values: ['CN'] }],
      },
      parameters: [
        { parameter: 'first_name', contactField: 'name', fallback: 'you' },
        { parameter: 'city', attribute: 'town' },
        { parameter: 'code', value: 'SPRING' },
      ],
      missingParameter: 'SKIP',
      scheduledAt: '2026-03-01T01:30:00Z',
      timeZone: 'Asia/Shanghai',
      recipientTime: true,
      rateLimit: 20,
      failureThreshold: 0.125,
      canary: { size: 100, waitSeconds: 600, maxFailureRate: 0.1 },
    },
    'UTC',
  );
  expect(wholeOf(stored)).toEqual(wholeOf({ ...draft, bindings }));
});

test('what is refused of a value stands at its parameter', () => {
  expect(placeOf(['parameters', '1', 'attribute'], draft)).toBe('parameters.city');
  expect(placeOf(['parameters', 'code'], draft)).toBe('parameters.code');
  expect(placeOf(['parameters', '9'], draft)).toBe('parameters');
  expect(placeOf(['scheduledAt'], draft)).toBe('scheduledAt');
  expect(placeOf([], draft)).toBe('');
});
