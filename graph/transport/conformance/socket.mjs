// The rules of graphql-transport-ws (graphql-ws, PROTOCOL.md), one by one, through a plain WebSocket.
import WebSocket from 'ws';
import { assert, rule, run, same, socketURL, token } from './report.mjs';

const query = '{ hello }';
const endless = 'subscription { ticks(everyMs: 5) { seq } }';
const ticks = (count, everyMs = 1) => `subscription { ticks(everyMs: ${everyMs}, count: ${count}) { seq } }`;

// Peer keeps every message, and answers no ping unless told to.
class Peer {
  constructor(protocol = 'graphql-transport-ws', options) {
    this.messages = [];
    this.waiting = [];
    this.ws = new WebSocket(socketURL, protocol, options);
    this.opened = new Promise((yes, no) => { this.ws.once('open', yes); this.ws.once('error', no); });
    this.closed = new Promise((yes) => this.ws.once('close', (code, reason) => yes({ code, reason: String(reason) })));
    this.ws.on('error', () => {});
    this.ws.on('message', (data) => { this.messages.push(JSON.parse(data)); this.waiting.splice(0).forEach((f) => f()); });
    this.ws.once('close', () => this.waiting.splice(0).forEach((f) => f()));
  }
  send(message) { this.ws.send(typeof message === 'string' ? message : JSON.stringify(message)); return this; }
  // next takes the first message that fits, now or later.
  async next(fits = (m) => m.type !== 'ping') {
    for (;;) {
      const i = this.messages.findIndex(fits);
      if (i >= 0) return this.messages.splice(i, 1)[0];
      assert(this.ws.readyState === WebSocket.OPEN, `closed while waiting${JSON.stringify(this.messages)}`);
      await new Promise((f) => this.waiting.push(f));
    }
  }
  // silence gives what has come once a ping of ours has gone there and back: the server works in order.
  async silence() {
    const mark = Math.random();
    this.send({ type: 'ping', payload: { mark } });
    await this.next((m) => m.type === 'pong' && m.payload?.mark === mark);
    return this.messages.filter((m) => m.type !== 'ping');
  }
  async code(code, reason) {
    const got = await this.closed;
    same(got.code, code);
    if (reason) same(got.reason, reason);
  }
}

async function opened(...args) {
  const peer = new Peer(...args);
  await peer.opened;
  return peer;
}
async function ready(payload = { Authorization: token }, ...args) {
  const peer = await opened(...args);
  peer.send({ type: 'connection_init', payload });
  same((await peer.next()).type, 'connection_ack');
  return peer;
}
const subscribe = (id, document, more = {}) => ({ id, type: 'subscribe', payload: { query: document, ...more } });
const refusedWith = (status, ...args) => new Promise((yes, no) => {
  const ws = new WebSocket(socketURL, ...args);
  ws.once('unexpected-response', (_, response) => (response.statusCode === status ? yes() : no(new Error(`status ${response.statusCode}`))));
  ws.once('open', () => no(new Error('accepted')));
  ws.on('error', () => {});
});

// The handshake.
rule('takes graphql-transport-ws', async () => same((await opened()).ws.protocol, 'graphql-transport-ws'));
rule('prefers it over graphql-ws', async () => same((await opened(['graphql-ws', 'graphql-transport-ws'])).ws.protocol, 'graphql-transport-ws'));
rule('finds it among unknown ones', async () => same((await opened(['mqtt', 'graphql-transport-ws'])).ws.protocol, 'graphql-transport-ws'));
rule('refuses an unknown subprotocol', () => refusedWith(400, 'mqtt'));
rule('refuses a client without subprotocol', () => refusedWith(400));
rule('refuses a foreign origin', () => refusedWith(403, 'graphql-transport-ws', { origin: 'https://evil.example' }));
rule('takes its own origin', () => opened('graphql-transport-ws', { origin: socketURL.replace(/^ws/, 'http').replace('/graphql', '') }));
rule('takes a listed origin', () => opened('graphql-transport-ws', { origin: 'https://app.example' }));

// The connection.
rule('acknowledges connection_init', () => ready());
rule('acknowledges it with a null payload', () => ready(null));
rule('acknowledges it with an empty payload', () => ready({}));
rule('acknowledges it without payload, and without one of its own', async () => {
  const peer = await opened();
  peer.send({ type: 'connection_init' });
  same(await peer.next(), { type: 'connection_ack' });
});
for (const [name, payload] of [['a string', 'x'], ['a list', []], ['a number', 1], ['true', true]]) {
  rule(`4400 on connection_init with ${name} as payload`, async () => { const p = await opened(); p.send({ type: 'connection_init', payload }); await p.code(4400); });
}
rule('4429 on a second connection_init', async () => { const p = await ready(); p.send({ type: 'connection_init' }); await p.code(4429, 'Too many initialisation requests'); });
rule('4429 on a second connection_init at once', async () => { const p = await opened(); p.send({ type: 'connection_init' }).send({ type: 'connection_init' }); await p.code(4429); });
rule('4408 without connection_init', async () => (await opened()).code(4408, 'Connection initialisation timeout'));
rule('4401 on subscribe before connection_init', async () => { const p = await opened(); p.send(subscribe('1', query)); await p.code(4401, 'Unauthorized'); });
rule('4403 on a bad token', async () => { const p = await opened(); p.send({ type: 'connection_init', payload: { Authorization: 'Bearer expired' } }); await p.code(4403, 'Forbidden'); });
rule('4403 on what is no token at all', async () => { const p = await opened(); p.send({ type: 'connection_init', payload: { authorization: 'x' } }); await p.code(4403); });
rule('1013 when tokens cannot be checked', async () => { const p = await opened(); p.send({ type: 'connection_init', payload: { Authorization: 'Bearer down' } }); await p.code(1013); });
rule('says nothing before the ack', async () => { const p = await opened(); same(await p.silence(), []); });
for (const name of ['Authorization', 'authorization']) {
  rule(`reads the token from ${name}`, async () => {
    const p = await ready({ [name]: token });
    p.send(subscribe('1', '{ whoami }'));
    same((await p.next()).payload, { data: { whoami: 'alice' } });
  });
}
rule('reads the token from the upgrade request', async () => {
  const p = await ready({}, 'graphql-transport-ws', { headers: { authorization: token } });
  p.send(subscribe('1', '{ whoami }'));
  same((await p.next()).payload, { data: { whoami: 'alice' } });
});
rule('lets strangers in, and resolvers refuse them', async () => {
  const p = await ready({});
  p.send(subscribe('1', '{ whoami }'));
  same((await p.next()).payload.errors[0].extensions.code, 'UNAUTHENTICATED');
});

// Pings.
rule('answers a ping', async () => { const p = await ready(); p.send({ type: 'ping' }); same(await p.next((m) => m.type === 'pong'), { type: 'pong' }); });
rule('answers a ping before connection_init', async () => { const p = await opened(); p.send({ type: 'ping' }); same((await p.next()).type, 'pong'); });
rule('gives the payload back', async () => { const p = await ready(); p.send({ type: 'ping', payload: { a: [1] } }); same((await p.next((m) => m.type === 'pong')).payload, { a: [1] }); });
rule('takes an unasked pong', async () => { const p = await ready(); p.send({ type: 'pong' }); same(await p.silence(), []); });
rule('takes a pong before connection_init', async () => { const p = await opened(); p.send({ type: 'pong', payload: {} }); same(await p.silence(), []); });
rule('4400 on a ping whose payload is no object', async () => { const p = await ready(); p.send({ type: 'ping', payload: 1 }); await p.code(4400); });
rule('sends pings, and closes where no pong comes', async () => { const p = await ready(); await p.next((m) => m.type === 'ping'); await p.code(4408); });
rule('stays where pongs come', async () => {
  const p = await ready();
  for (let i = 0; i < 5; i++) { await p.next((m) => m.type === 'ping'); p.send({ type: 'pong' }); }
  same(p.ws.readyState, WebSocket.OPEN);
});

// Messages that are none.
for (const [name, message] of [
  ['what is no JSON', 'x'], ['an empty message', ''], ['a list', '[]'], ['a string', '"x"'], ['null', 'null'], ['two objects', '{"type":"ping"}{"type":"ping"}'],
  ['no type', '{}'], ['a type that is no string', '{"type":1}'], ['an unknown type', '{"type":"hello"}'], ['a type of the server', '{"type":"connection_ack"}'], ['a type of the older protocol', '{"type":"start","id":"1","payload":{"query":"{hello}"}}'],
  ['subscribe without id', { type: 'subscribe', payload: { query } }], ['subscribe with an empty id', subscribe('', query)], ['subscribe with a number as id', subscribe(1, query)],
  ['subscribe without payload', { type: 'subscribe', id: '1' }], ['subscribe with a string as payload', { type: 'subscribe', id: '1', payload: query }], ['subscribe without query', { type: 'subscribe', id: '1', payload: {} }],
  ['a query that is no string', subscribe('1', 1)], ['variables that are no object', subscribe('1', query, { variables: 'x' })], ['an operationName that is no string', subscribe('1', query, { operationName: 1 })],
  ['extensions that are no object', subscribe('1', query, { extensions: 1 })], ['complete without id', { type: 'complete' }],
]) {
  rule(`4400 on ${name}`, async () => { const p = await ready(); p.send(message); await p.code(4400); });
}
rule('4400 on a binary message', async () => { const p = await ready(); p.ws.send(Buffer.from('{"type":"ping"}'), { binary: true }); await p.code(4400); });
rule('1009 on a message that is too big', async () => { const p = await ready(); p.send(subscribe('1', query + ' '.repeat(100_000))); await p.code(1009); });
rule('the reason of 4400 does not repeat the message', async () => { const p = await ready(); p.send('{"type":"s3cret"}'); assert(!(await p.closed).reason.includes('s3cret')); });

// Operations.
rule('a query gives next and complete', async () => {
  const p = await ready();
  p.send(subscribe('a', query));
  same(await p.next(), { id: 'a', type: 'next', payload: { data: { hello: 'hello world' } } });
  same(await p.next(), { id: 'a', type: 'complete' });
});
rule('a mutation gives next and complete', async () => {
  const p = await ready();
  p.send(subscribe('a', 'mutation { addItem(input: {text: "t"}) { text } }'));
  same((await p.next()).payload, { data: { addItem: { text: 't' } } });
  same((await p.next()).type, 'complete');
});
rule('a subscription gives each event in order and completes', async () => {
  const p = await ready();
  p.send(subscribe('a', ticks(20)));
  for (let i = 1; i <= 20; i++) same((await p.next()).payload, { data: { ticks: { seq: i } } });
  same(await p.next(), { id: 'a', type: 'complete' });
});
rule('variables and operationName', async () => {
  const p = await ready();
  p.send(subscribe('a', 'query A($n: String) { hello(name: $n) } query B { requestId }', { variables: { n: 'you' }, operationName: 'A' }));
  same((await p.next()).payload, { data: { hello: 'hello you' } });
});
rule('null variables, operationName and extensions', async () => {
  const p = await ready();
  p.send(subscribe('a', query, { variables: null, operationName: null, extensions: null }));
  same((await p.next()).type, 'next');
});
rule('any string is an id', async () => {
  const p = await ready();
  for (const id of ['1:2', ':', 'ünï 🎺', '"', 'x'.repeat(200)]) {
    p.send(subscribe(id, query));
    same((await p.next()).id, id);
    same(await p.next(), { id, type: 'complete' });
  }
});
for (const [name, document] of [['does not parse', '{'], ['is not valid', '{ nosuch }'], ['is empty', '']]) {
  rule(`error for a document that ${name}`, async () => {
    const p = await ready();
    p.send(subscribe('a', document));
    const m = await p.next();
    same([m.type, m.id, Array.isArray(m.payload), m.payload[0].extensions.code], ['error', 'a', true, 'BAD_USER_INPUT']);
    same(await p.silence(), []);
  });
}
rule('error for variables that do not fit', async () => {
  const p = await ready();
  p.send(subscribe('a', 'query ($i: ID!) { node(id: $i) { id } }'));
  same((await p.next()).type, 'error');
});
rule('error for an operation beyond a limit', async () => {
  const p = await ready();
  p.send(subscribe('a', '{ items(first: 101) { totalCount } }'));
  const m = await p.next();
  same([m.type, m.payload[0].extensions], ['error', { code: 'BAD_USER_INPUT', field: 'first' }]);
  same(await p.silence(), []);
});
rule('the socket lives on after an error', async () => { const p = await ready(); p.send(subscribe('a', '{')); await p.next(); p.send(subscribe('a', query)); same((await p.next()).type, 'next'); });
rule('a resolver that refuses a subscription is heard', async () => {
  const p = await ready();
  p.send(subscribe('a', 'subscription { refused { seq } }'));
  same((await p.next()).payload.errors[0].extensions.code, 'FORBIDDEN');
  same((await p.next()).type, 'complete');
});
rule('an error of one event comes with the event', async () => {
  const p = await ready();
  p.send(subscribe('a', 'subscription { ticks(everyMs: 1, count: 2) { seq odd } }'));
  same((await p.next()).payload.data.ticks, { seq: 1, odd: true });
  const second = (await p.next()).payload;
  same([second.data.ticks, second.errors[0].extensions.code], [{ seq: 2, odd: null }, 'CONFLICT']);
});
rule('a stream that fails ends with error alone', async () => {
  const p = await ready();
  p.send(subscribe('a', 'subscription { slow { seq } }'));
  same((await p.next()).type, 'next');
  const m = await p.next();
  same([m.type, m.payload], ['error', [{ message: 'too slow', extensions: { code: 'SLOW_CONSUMER', cursor: 'c1' } }]]);
  same(await p.silence(), []);
});
rule('a panic reads internal error', async () => {
  const p = await ready();
  p.send(subscribe('a', 'subscription { panics { seq } }'));
  const text = JSON.stringify(await p.next());
  assert(text.includes('INTERNAL') && text.includes('requestId') && !text.includes('secret'), text);
});
rule('4409 on an id in use', async () => { const p = await ready(); p.send(subscribe('a', endless)).send(subscribe('a', endless)); await p.code(4409, 'Subscriber for a already exists'); });
rule('an id is free after complete of the server', async () => { const p = await ready(); for (let i = 0; i < 3; i++) { p.send(subscribe('a', query)); same((await p.next()).type, 'next'); same((await p.next()).type, 'complete'); } });
rule('an id is free after complete of the client', async () => {
  const p = await ready();
  for (let i = 0; i < 20; i++) {
    p.send(subscribe('a', endless));
    same((await p.next()).payload, { data: { ticks: { seq: 1 } } });
    p.send({ id: 'a', type: 'complete' });
    await p.silence();
    p.messages = [];
  }
});
rule('nothing comes after complete of the client', async () => {
  const p = await ready();
  p.send(subscribe('a', endless));
  await p.next();
  p.send({ id: 'a', type: 'complete' });
  await p.silence();
  p.messages = [];
  p.send(subscribe('b', ticks(5, 10)));
  for (let i = 0; i < 6; i++) same((await p.next()).id, 'b');
});
rule('complete of an unknown id is let pass', async () => { const p = await ready(); p.send({ id: 'x', type: 'complete' }); same(await p.silence(), []); });
rule('complete before connection_init is let pass', async () => { const p = await opened(); p.send({ id: 'x', type: 'complete' }); same(await p.silence(), []); });
rule('many operations run side by side', async () => {
  const p = await ready();
  for (let i = 0; i < 50; i++) p.send(subscribe(`s${i}`, ticks(3)));
  const done = new Set();
  while (done.size < 50) { const m = await p.next(); if (m.type === 'complete') done.add(m.id); }
});
rule('too many operations are refused one by one', async () => {
  const p = await ready();
  for (let i = 0; i < 101; i++) p.send(subscribe(`s${i}`, 'subscription { ticks(everyMs: 100000) { seq } }'));
  const m = await p.next((m) => m.type === 'error');
  same([m.id, m.payload[0].extensions.code], ['s100', 'RATE_LIMITED']);
  p.send({ id: 's0', type: 'complete' }).send(subscribe('again', query));
  same((await p.next((m) => m.id === 'again')).type, 'next');
});
rule('a revoked session ends its socket with 4403', async () => { const p = await ready(); p.send(subscribe('a', 'subscription { revoked { seq } }')); await p.code(4403, 'Forbidden'); });
rule('answers a close frame with the same code', async () => { const p = await ready(); p.send(subscribe('a', endless)); await p.next(); p.ws.close(1000); await p.code(1000); });
rule('answers a close frame of an application', async () => { const p = await ready(); p.ws.close(4499, 'bye'); await p.code(4499); });

await run();
