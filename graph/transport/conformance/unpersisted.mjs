// What becomes of automatic persisted queries where the server keeps none.
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { rule, run, same, token, url } from './report.mjs';

rule('Apollo: the link stops asking by hash', async () => {
  const asked = [];
  const link = new HttpLink({ uri: url, headers: { authorization: token }, fetch: (to, init) => { asked.push(init.body.includes('hello')); return fetch(to, init); } });
  const client = new ApolloClient({ cache: new InMemoryCache(), link: ApolloLink.from([new PersistedQueryLink({ sha256: (text) => createHash('sha256').update(text).digest('hex') }), link]) });
  for (let i = 0; i < 3; i++) same((await client.query({ query: gql('{ hello }'), fetchPolicy: 'network-only' })).data.hello, 'hello world');
  same(asked, [false, true, true, true]);
});

await run();
