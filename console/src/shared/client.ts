import { Client, fetchExchange, mapExchange, subscriptionExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { retryExchange } from '@urql/exchange-retry';
import { createClient as createSocket } from 'graphql-ws';
import { embedded, updates } from './cache';
import { session } from './session';
import { store } from './store';

const endpoint = new URL('/graphql', location.href);

// line is whether the service answers.
export const line = store<'up' | 'down'>('up');

// over is set when the service took the session away, as opposed to its user.
export const over = store(false);

const asking: typeof fetch = async (input, init) => {
  try {
    const response = await fetch(input, init);
    line.set('up');
    return response;
  } catch (error) {
    if (!init?.signal?.aborted) line.set('down');
    throw error;
  }
};

// A client belongs to one session: what it has cached is that organization's.
export const clientOf = (token: string | null) => {
  const socket = createSocket({
    url: endpoint.href.replace(/^http/, 'ws'),
    connectionParams: token ? { Authorization: `Bearer ${token}` } : {},
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: event => (event as CloseEvent).code !== 4403,
    retryWait: tries => new Promise(done => setTimeout(done, Math.min(250 * 2 ** tries, 5000) * (0.5 + Math.random()))),
    keepAlive: 10_000,
    on: {
      connected: () => line.set('up'),
      closed: event => {
        const { code, wasClean } = event as CloseEvent;
        if (!wasClean || code === 1001 || code === 1006) line.set('down');
      },
    },
  });

  const client = new Client({
    url: endpoint.href,
    preferGetMethod: false,
    fetch: asking,
    fetchOptions: token ? { headers: { Authorization: `Bearer ${token}` } } : {},
    exchanges: [
      mapExchange({
        onError(error) {
          const ended =
            error.graphQLErrors.some(e => e.extensions.code === 'UNAUTHENTICATED') || error.response?.status === 401;
          if (ended && token && session.get() === token) {
            over.set(true);
            session.set(null);
          }
        },
      }),
      cacheExchange({ keys: embedded, updates }),
      retryExchange({
        initialDelayMs: 500,
        maxDelayMs: 8000,
        randomDelay: true,
        maxNumberAttempts: Number.POSITIVE_INFINITY,
        retryIf: (error, operation) => operation.kind === 'query' && !!error.networkError && !error.response,
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: sink => ({ unsubscribe: socket.subscribe({ query: query ?? '', variables }, sink) }),
        }),
      }),
    ],
  });

  return { client, close: () => void socket.dispose() };
};
