import { parse } from '@0no-co/graphql.web';
import { expect, test } from 'vitest';
import { answerOf, formOf } from './upload';

test('a file is sent as the multipart request specification has it, with its name', async () => {
  const file = new File(['a,b'], '客户.csv', { type: 'text/csv' });
  const form = formOf(parse('mutation M($input: I!) { m(input: $input) { a } }'), { file, listId: 'lst_1' } as {
    file: File;
  });
  const operations = JSON.parse(String(form.get('operations')));
  expect(operations.variables).toEqual({ input: { file: null, listId: 'lst_1' } });
  expect(operations.query).toContain('mutation M');
  expect(JSON.parse(String(form.get('map')))).toEqual({ 0: ['variables.input.file'] });
  expect([...form.keys()]).toEqual(['operations', 'map', '0']);
  expect((form.get('0') as File).name).toBe('客户.csv');
});

test('an answer is data, a refusal in the service’s words, or none', () => {
  expect(answerOf('{"data":{"m":1}}')).toEqual({ data: { m: 1 } });
  expect(answerOf('{"data":null,"errors":[{"message":"No."}]}')).toEqual({ refused: 'No.' });
  expect(answerOf('<html>')).toEqual({ offline: true });
  expect(answerOf('{"data":null}')).toEqual({ offline: true });
});
