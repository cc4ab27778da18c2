import { expect, test } from 'vitest';
import { byName } from '../routes/templates/names';
import { joined } from './pages';

test('what moved between two pages stands once, where it is now', () => {
  const row = (id: string, name = id) => ({ id, name });
  expect(joined([row('b', 'new'), row('a')], [row('b', 'old'), row('c'), row('c')])).toEqual([
    row('b', 'new'),
    row('a'),
    row('c'),
  ]);
});

test('languages of one name stand together, those of another account apart', () => {
  const one = (id: string, name: string, account: string) => ({ id, name, account: { id: account } });
  const all = [one('1', 'a', 'x'), one('2', 'a', 'y'), one('3', 'a', 'x'), one('4', 'b', 'x')];
  expect(byName(all).map(group => group.map(t => t.id))).toEqual([['1', '3'], ['2'], ['4']]);
});
