import { expect, test } from 'vitest';
import { keyOf, mappingOf, roleOf, withRole } from './columns';

const column = { column: 'First Order (€)', field: null, attribute: null, examples: [] };

test('a column becomes a field, an attribute with a key of its name, or nothing', () => {
  expect(roleOf(column)).toBe('');
  expect(withRole(column, 'attribute').attribute).toBe('first_order');
  expect(withRole({ ...column, attribute: 'mine' }, 'attribute').attribute).toBe('mine');
  expect(roleOf(withRole(column, 'phone'))).toBe('phone');
  expect(withRole(withRole(column, 'attribute'), '').attribute).toBe(null);
  expect(keyOf(' 城市 / City ')).toBe('城市_city');
});

test('columns of one name are told of once', () => {
  const all = [withRole(column, 'name'), withRole(column, 'name'), withRole({ ...column, column: 'x' }, '')];
  expect(mappingOf(all)).toEqual([{ column: 'First Order (€)', field: 'name' }, { column: 'x' }]);
});
