import { expect, test } from 'vitest';
import type { ContactFilter } from '../graphql/graphql';
import { type Condition, conditionOf, conditionsOf, filterOf, knownOf, textOf, toggled, valuesOf } from './conditions';

test('values are parted by commas of any script, and one with a comma of its own is quoted', () => {
  expect(valuesOf('CN，HK、 MO,, CN\nTW')).toEqual(['CN', 'HK', 'MO', 'TW']);
  expect(valuesOf('"Tijuana, B.C.", Puebla')).toEqual(['Tijuana, B.C.', 'Puebla']);
  expect(valuesOf(textOf(['Tijuana, B.C.', 'Puebla']))).toEqual(['Tijuana, B.C.', 'Puebla']);
  expect(toggled('a, b', 'a', false)).toBe('b');
  expect(toggled('b', 'a', true)).toBe('b, a');
});

test('a condition that is not written yet says nothing', () => {
  const empty = (['search', 'consent', 'lists', 'tags', 'attribute', 'outcome', 'created'] as const).map(conditionOf);
  expect(filterOf(empty)).toEqual({});
  expect(filterOf([{ ...conditionOf('attribute'), key: 'city' }])).toEqual({});
});

const conditions: Condition[] = [
  { field: 'search', op: 'equals', key: '', text: 'Wang, Li' },
  { field: 'consent', op: 'in', key: '', text: 'OPTED_IN' },
  { field: 'country', op: 'in', key: '', text: 'cn, HK' },
  { field: 'tags', op: 'equals', key: '', text: 'vip, "a,b"' },
  { field: 'tags', op: 'not in', key: '', text: 'staff' },
  { field: 'attribute', op: 'equals', key: 'home.city', text: 'Tijuana, B.C.' },
  { field: 'attribute', op: 'missing', key: 'nick', text: '' },
  { field: 'outcome', op: 'in', key: 'cmp_1', text: 'NOT_READ', errors: '131049, x', buttons: 'Yes' },
  { field: 'created', op: 'after', key: '', text: '2026-01-02' },
];

test('conditions become the filter of the contract', () => {
  expect(filterOf(conditions)).toEqual({
    search: 'Wang, Li',
    consent: ['OPTED_IN'],
    country: ['CN', 'HK'],
    tags: ['vip', 'a,b'],
    excludeTags: ['staff'],
    attributes: [
      { key: 'home.city', equals: 'Tijuana, B.C.' },
      { key: 'nick', exists: false },
    ],
    campaignOutcome: { campaignId: 'cmp_1', outcome: ['NOT_READ'], errorCode: [131049], button: ['Yes'] },
    createdAfter: '2026-01-02T00:00:00Z',
  } satisfies ContactFilter);
});

test('a stored rule is read back as it was', () => {
  // As the service writes that filter in words.
  const rule = [
    { field: 'search', operator: 'contains', values: ['Wang, Li'] },
    { field: 'consent', operator: 'in', values: ['OPTED_IN'] },
    { field: 'country', operator: 'in', values: ['CN', 'HK'] },
    { field: 'tags', operator: 'equals', values: ['vip'] },
    { field: 'tags', operator: 'equals', values: ['a,b'] },
    { field: 'tags', operator: 'not in', values: ['staff'] },
    { field: 'attributes.home.city', operator: 'equals', values: ['Tijuana, B.C.'] },
    { field: 'attributes.nick', operator: 'missing', values: [] },
    { field: 'campaignOutcome.cmp_1', operator: 'in', values: ['NOT_READ'] },
    { field: 'campaignOutcome.cmp_1.errorCode', operator: 'in', values: ['131049'] },
    { field: 'campaignOutcome.cmp_1.button', operator: 'in', values: ['Yes'] },
    { field: 'createdAt', operator: 'after', values: ['2026-01-02T00:00:00Z'] },
  ];
  expect(filterOf(conditionsOf(rule))).toEqual(filterOf(conditions));
});

test('of an address only what a rule can have is kept', () => {
  const good = conditionOf('country');
  expect(
    knownOf([good, null, 'x', { ...good, op: 'after' }, { ...good, field: 'toString' }, { ...good, text: 1 }]),
  ).toEqual([good]);
});
