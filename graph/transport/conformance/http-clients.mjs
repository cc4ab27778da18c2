// Clients that ask by HTTP, as they come: urql, Apollo Client, and both with automatic persisted queries.
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { cacheExchange, Client, fetchExchange, gql as urqlGql, subscriptionExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { assert, rule, run, same, socketURL, token, url } from './report.mjs';

process.on('unhandledRejection', (err) => { console.log(`not ok nobody catches ${err}`); process.exit(1); }); // what ends a Node program

// seen is fetch that tells what was asked and how it was answered.
const seen = () => {
  const calls = [];
  const fetcher = async (to, init) => {
    const response = await fetch(to, init);
    calls.push({ method: init?.method ?? 'GET', query: (init?.body ?? decodeURIComponent(String(to))).includes('hello'), status: response.status, type: response.headers.get('content-type'), accept: new Headers(init?.headers).get('accept') });
    return response;
  };
  return { calls, fetcher };
};
const hello = '{ hello }';
const addItem = 'mutation { addItem(input: { text: "x" }) { id } }';

// urql
const urql = (more) => new Client({ url, exchanges: [fetchExchange], preferGetMethod: false, requestPolicy: 'network-only', fetchOptions: { headers: { authorization: token } }, ...more });
rule('urql: queries are answered in JSON, one after the other', async () => {
  const { calls, fetcher } = seen();
  const client = urql({ fetch: fetcher });
  for (let i = 0; i < 20; i++) same((await client.query(hello, {}).toPromise()).data, { hello: 'hello world' });
  assert(calls[0].accept.includes('text/event-stream'), 'urql does not list event streams any more');
  same([...new Set(calls.map((c) => c.type))], ['application/graphql-response+json; charset=utf-8']);
});
rule('urql: many queries at once', async () => {
  const client = urql();
  const results = await Promise.all([...Array(60).keys()].map((i) => client.query(`{ hello(name: "${i}") }`, {}).toPromise()));
  same(results.map((r) => r.data?.hello), [...Array(60).keys()].map((i) => `hello ${i}`));
});
rule('urql: a query by GET', async () => {
  const { calls, fetcher } = seen();
  same((await urql({ fetch: fetcher, preferGetMethod: true }).query(hello, {}).toPromise()).data, { hello: 'hello world' });
  same(calls[0].method, 'GET');
});
rule('urql: a mutation', async () => same((await urql().mutation(addItem, {}).toPromise()).data.addItem.id, 'new'));
rule('urql: errors of a document and of a resolver', async () => {
  same((await urql().query('{ nosuch }', {}).toPromise()).error.graphQLErrors[0].extensions.code, 'BAD_USER_INPUT');
  same((await urql().query('{ fail(with: CONFLICT) }', {}).toPromise()).error.graphQLErrors[0].extensions.code, 'CONFLICT');
});
rule('urql: @defer is refused', async () => {
  const { data, error } = await urql().query('{ node(id: 1) { ... on Item { id ... @defer { related { totalCount } } } } }', {}).toPromise();
  same([data ?? null, error.graphQLErrors[0].extensions.code], [null, 'BAD_USER_INPUT']);
});
// ticked reads three events. Who leaves a stream before its end has urql abort a fetch for which nobody waits.
const ticked = (client, query, stays) => new Promise((yes, no) => {
  const seqs = [];
  const subscription = client.subscription(query, {}).subscribe(({ data, error, hasNext }) => {
    if (error) no(error);
    if (stays && !hasNext) return yes(seqs); // the last result comes again with the end
    if (seqs.push(data?.ticks?.seq) < 3 || stays) return;
    subscription.unsubscribe();
    yes(seqs);
  });
});
rule('urql: a subscription by the same exchange is a stream', async () => same(await ticked(urql({ fetchSubscriptions: true }), 'subscription { ticks(everyMs: 1, count: 3) { seq } }', true), [1, 2, 3]));
rule('urql: a subscription by graphql-ws', async () => {
  const socket = createClient({ url: socketURL, webSocketImpl: WebSocket, connectionParams: { Authorization: token } });
  const forward = subscriptionExchange({ forwardSubscription: ({ query, variables }) => ({ subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }) }) });
  same(await ticked(urql({ exchanges: [cacheExchange, fetchExchange, forward] }), 'subscription { ticks(everyMs: 1) { seq } }'), [1, 2, 3]);
  await socket.dispose();
});
rule('urql: persisted queries', async () => {
  const { calls, fetcher } = seen();
  const client = urql({ fetch: fetcher, exchanges: [persistedExchange({ preferGetForPersistedQueries: true, enableForMutation: true }), fetchExchange] });
  const query = urqlGql`{ hello(name: "persisted by urql") }`;
  for (let i = 0; i < 3; i++) same((await client.query(query, {}).toPromise()).data, { hello: 'hello persisted by urql' });
  same(calls.map((c) => c.query), [false, true, false, false]);
  same((await client.mutation(addItem, {}).toPromise()).data.addItem.id, 'new');
});

// Apollo Client
const apollo = (links) => new ApolloClient({ cache: new InMemoryCache(), link: ApolloLink.from(links), defaultOptions: { query: { fetchPolicy: 'network-only', errorPolicy: 'all' } } });
const http = (more) => new HttpLink({ uri: url, headers: { authorization: token }, ...more });
rule('Apollo: queries and mutations', async () => {
  const { calls, fetcher } = seen();
  const client = apollo([http({ fetch: fetcher })]);
  same((await client.query({ query: gql(hello) })).data.hello, 'hello world');
  same((await client.mutate({ mutation: gql(addItem) })).data.addItem.id, 'new');
  same(calls.map((c) => c.type), Array(2).fill('application/graphql-response+json; charset=utf-8'));
});
rule('Apollo: errors keep their codes', async () => {
  for (const [query, code] of [['{ nosuch }', 'BAD_USER_INPUT'], ['{ fail(with: CONFLICT) }', 'CONFLICT']]) {
    const { error } = await apollo([http()]).query({ query: gql(query) });
    assert(CombinedGraphQLErrors.is(error), String(error));
    same(error.errors[0].extensions.code, code);
  }
});
rule('Apollo: a subscription by HTTP is refused in words', async () => {
  const error = await new Promise((yes) => apollo([http()]).subscribe({ query: gql('subscription { ticks { seq } }') }).subscribe({ next: ({ error }) => yes(error), error: yes }));
  assert(CombinedGraphQLErrors.is(error) && error.errors[0].message.includes('WebSocket'), String(error));
});
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
for (const useGETForHashedQueries of [false, true]) {
  rule(`Apollo: persisted queries by ${useGETForHashedQueries ? 'GET' : 'POST'}`, async () => {
    const { calls, fetcher } = seen();
    const client = apollo([new PersistedQueryLink({ sha256, useGETForHashedQueries }), http({ fetch: fetcher })]);
    const name = `persisted by Apollo ${useGETForHashedQueries}`;
    for (let i = 0; i < 3; i++) same((await client.query({ query: gql(`query Named { hello(name: "${name}") }`) })).data.hello, `hello ${name}`);
    same(calls.map((c) => c.query), [false, true, false, false]);
    same(calls[0].status, 200);
  });
}

await run();
