import { print } from '@0no-co/graphql.web';
import { expect, test } from 'vitest';
import { graphql as typed } from './graphql';

const graphql = typed as unknown as (source: string) => Parameters<typeof print>[0];

test('a document brings the fragments that it spreads, each once', () => {
  graphql('fragment Inner on Campaign { id }');
  graphql('fragment Outer on Campaign { name ...Inner }');
  const text = print(graphql('query Q { a { ...Outer ...Inner } b { ...Outer } }'));
  expect(text.match(/fragment Inner on/g)).toHaveLength(1);
  expect(text.match(/fragment Outer on/g)).toHaveLength(1);
});

test('a fragment that is nowhere is a fault of ours, told at once', () => {
  expect(() => graphql('query R { a { ...Missing } }')).toThrow(/Missing/);
});
