import { expect, test } from 'vitest';
import { changesOf } from './changes';

const known = {
  name: 'Ana',
  language: null,
  timeZone: 'Europe/Lisbon',
  tags: ['vip', 'old'],
  lists: [{ id: 'l1' }, { id: 'l2' }],
  attributes: [
    { key: 'city', value: 'Lisbon' },
    { key: 'nick', value: 'A' },
  ],
};
const same = {
  name: 'Ana',
  language: '',
  timeZone: 'Europe/Lisbon',
  tags: ['vip', 'old'],
  lists: ['l1', 'l2'],
  attributes: known.attributes,
};

test('what is as it was is not sent, so that nobody else’s change is undone', () => {
  expect(changesOf(known, same)).toEqual({});
});

test('what was changed, added and taken away is sent', () => {
  expect(
    changesOf(known, {
      name: '',
      language: 'pt_PT',
      timeZone: 'Europe/Lisbon',
      tags: ['vip', 'new'],
      lists: ['l2', 'l3'],
      attributes: [
        { key: 'city', value: 'Porto' },
        { key: ' ', value: 'nothing' },
      ],
    }),
  ).toEqual({
    name: '',
    language: 'pt_PT',
    addTags: ['new'],
    removeTags: ['old'],
    addListIds: ['l3'],
    removeListIds: ['l1'],
    setAttributes: [{ key: 'city', value: 'Porto' }],
    removeAttributes: ['nick'],
  });
});
