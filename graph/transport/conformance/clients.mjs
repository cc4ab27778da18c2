// The clients that people use, as they come: graphql-ws, subscriptions-transport-ws, graphql-sse, EventSource by hand.
import { createClient } from 'graphql-ws';
import { createClient as createEventClient } from 'graphql-sse';
import legacy from 'subscriptions-transport-ws';
import WebSocket from 'ws';
import { assert, rule, run, same, socketURL, token, url } from './report.mjs';

const ticks = (count) => `subscription { ticks(everyMs: 1, count: ${count}) { seq } }`;
const seqs = (results) => results.map((r) => r.data.ticks.seq);
async function all(results) {
  const out = [];
  for await (const r of results) out.push(r);
  return out;
}

// graphql-ws
const socketClient = (more) => createClient({ url: socketURL, webSocketImpl: WebSocket, connectionParams: { Authorization: token }, retryAttempts: 0, ...more });
rule('graphql-ws: a query', async () => same(await all(socketClient().iterate({ query: '{ whoami }' })), [{ data: { whoami: 'alice' } }]));
rule('graphql-ws: a subscription', async () => same(seqs(await all(socketClient().iterate({ query: ticks(100) }))), [...Array(100).keys()].map((i) => i + 1)));
rule('graphql-ws: leaving a subscription', async () => {
  const client = socketClient({ lazy: false });
  for await (const r of client.iterate({ query: 'subscription { ticks(everyMs: 1) { seq } }' })) if (r.data.ticks.seq === 3) break;
  same(seqs(await all(client.iterate({ query: ticks(2) }))), [1, 2]);
  await client.dispose();
});
rule('graphql-ws: errors of a document', async () => {
  const err = await all(socketClient().iterate({ query: '{ nosuch }' })).then(() => null, (e) => e);
  same(err?.[0]?.extensions?.code, 'BAD_USER_INPUT');
});
rule('graphql-ws: an error that ends a stream', async () => {
  const err = await all(socketClient().iterate({ query: 'subscription { slow { seq } }' })).then(() => null, (e) => e);
  same(err?.[0]?.extensions, { code: 'SLOW_CONSUMER', cursor: 'c1' });
});
rule('graphql-ws: an expired token is asked for again', async () => {
  let asked = 0;
  const client = socketClient({ retryAttempts: 3, retryWait: async () => {}, connectionParams: () => ({ Authorization: asked++ ? token : 'Bearer expired' }) });
  same(await all(client.iterate({ query: '{ whoami }' })), [{ data: { whoami: 'alice' } }]);
  same(asked, 2);
});
rule('graphql-ws: keeps its own pings', async () => {
  let pongs = 0;
  const client = socketClient({ lazy: false, keepAlive: 20, on: { pong: (received) => { pongs += received ? 1 : 0; } } });
  await all(client.iterate({ query: 'subscription { ticks(everyMs: 30, count: 5) { seq } }' }));
  assert(pongs > 0, 'no pong');
  await client.dispose();
});

// subscriptions-transport-ws
const oldClient = (payload = { Authorization: token }) => new legacy.SubscriptionClient(socketURL, { reconnect: false, connectionParams: payload }, WebSocket);
const oldRun = (client, query) => new Promise((yes, no) => {
  const out = [];
  client.request({ query }).subscribe({ next: (r) => out.push(r), error: no, complete: () => yes(out) });
});
rule('subscriptions-transport-ws: a query', async () => { const c = oldClient(); same(await oldRun(c, '{ whoami }'), [{ data: { whoami: 'alice' } }]); c.close(); });
rule('subscriptions-transport-ws: a subscription', async () => { const c = oldClient(); same(seqs(await oldRun(c, ticks(50))), [...Array(50).keys()].map((i) => i + 1)); c.close(); });
rule('subscriptions-transport-ws: errors of a document', async () => {
  const c = oldClient();
  const err = await oldRun(c, '{ nosuch }').then(() => null, (e) => e);
  assert(JSON.stringify(err).includes('BAD_USER_INPUT'), JSON.stringify(err));
  c.close();
});
rule('subscriptions-transport-ws: unsubscribing', async () => {
  const c = oldClient();
  await new Promise((yes) => { const s = c.request({ query: 'subscription { ticks(everyMs: 1) { seq } }' }).subscribe({ next: () => { s.unsubscribe(); yes(); } }); });
  same(seqs(await oldRun(c, ticks(2))), [1, 2]);
  c.close();
});
rule('subscriptions-transport-ws: keep-alive', () => new Promise((yes) => {
  const ws = new WebSocket(socketURL, 'graphql-ws');
  let kept = 0;
  ws.on('open', () => ws.send('{"type":"connection_init","payload":{}}'));
  ws.on('message', (m) => { if (JSON.parse(m).type === 'ka' && ++kept === 4) { ws.close(); yes(); } });
}));
rule('subscriptions-transport-ws: a bad token', () => new Promise((yes, no) => {
  const ws = new WebSocket(socketURL, 'graphql-ws');
  let said;
  ws.on('open', () => ws.send('{"type":"connection_init","payload":{"Authorization":"Bearer expired"}}'));
  ws.on('message', (m) => { said ??= JSON.parse(m); });
  ws.on('close', (code) => (code === 4403 && said?.type === 'connection_error' && said.payload.extensions.code === 'UNAUTHENTICATED' ? yes() : no(new Error(`${code} ${JSON.stringify(said)}`))));
}));

// graphql-sse
const eventClient = (more) => createEventClient({ url, headers: { authorization: token }, retryAttempts: 0, ...more });
rule('graphql-sse: a query', async () => same(await all(eventClient().iterate({ query: '{ whoami }' })), [{ data: { whoami: 'alice' } }]));
rule('graphql-sse: a subscription', async () => same(seqs(await all(eventClient().iterate({ query: ticks(100) }))), [...Array(100).keys()].map((i) => i + 1)));
rule('graphql-sse: errors of a document', async () => same((await all(eventClient().iterate({ query: '{ nosuch }' })))[0].errors[0].extensions.code, 'BAD_USER_INPUT'));
rule('graphql-sse: an error that ends a stream', async () => {
  const results = await all(eventClient().iterate({ query: 'subscription { slow { seq } }' }));
  same(results.at(-1).errors[0].extensions, { code: 'SLOW_CONSUMER', cursor: 'c1' });
});
rule('graphql-sse: a stranger', async () => same((await all(eventClient({ headers: {} }).iterate({ query: '{ whoami }' })))[0].errors[0].extensions.code, 'UNAUTHENTICATED'));
rule('graphql-sse: a bad token is a status', async () => {
  const err = await all(eventClient({ headers: { authorization: 'Bearer expired' } }).iterate({ query: '{ whoami }' })).then(() => null, (e) => e);
  same(err?.response?.status, 401);
});
rule('graphql-sse: leaving', async () => {
  for await (const r of eventClient().iterate({ query: 'subscription { ticks(everyMs: 1) { seq } }' })) if (r.data.ticks.seq === 3) break;
});

// Server-sent events as a browser reads them.
const stream = async (init, search = '') => {
  const response = await fetch(url + search, { ...init, headers: { accept: 'text/event-stream', authorization: token, ...init?.headers } });
  return { response, text: await response.text() };
};
const get = (query) => `?query=${encodeURIComponent(query)}`;
rule('events: GET for EventSource', async () => {
  const { response, text } = await stream({}, get(ticks(2)));
  same([response.status, response.headers.get('content-type'), response.headers.get('x-accel-buffering'), response.headers.get('cache-control')], [200, 'text/event-stream; charset=utf-8', 'no', 'no-store']);
  assert(text.startsWith(':\n\nevent: next\ndata: {"data":{"ticks":{"seq":1}}}\n\n'), text);
});
rule('events: complete has a data line', async () => assert((await stream({}, get('{ hello }'))).text.endsWith('event: complete\ndata:\n\n')));
rule('events: comments keep it alive', async () => assert((await stream({}, get('subscription { ticks(everyMs: 700, count: 2) { seq } }'))).text.includes('\n:\n\n')));
rule('events: no mutation by GET', async () => same((await stream({}, get('mutation { addItem(input: {text: "x"}) { id } }'))).response.status, 405));
rule('events: a request that is none is a status', async () => same((await stream({ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' })).response.status, 400));

await run();
