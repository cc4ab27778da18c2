import { createRoot } from 'react-dom/client';
import { createElement } from 'react';
import { GraphiQL } from 'graphiql';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { keptKey, takeKeyOfLink } from './key.js';
import './style.css';

const assets = new URL('.', import.meta.url).pathname;
globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(assets + (WORKERS[label] ?? WORKERS.editor)),
};

// What the page was told; see Options in graphiql.go.
const { endpoint, tabs, headers } = JSON.parse(document.getElementById('graphiql').dataset.options);

const url = new URL(endpoint, location.href);

// A link that is followed within the page changes only what is behind the #.
addEventListener('hashchange', async () => {
  if (await takeKeyOfLink(url)) location.reload();
});
await takeKeyOfLink(url);
const key = keptKey();

const fetcher = createGraphiQLFetcher({ url: url.href, subscriptionUrl: url.href.replace(/^http/, 'ws') });

// withoutPlaceholder lets the page load the schema before a key was filled in.
const withoutPlaceholder = (all = {}) => Object.fromEntries(Object.entries(all).filter(([, value]) => !/<.*>/.test(value)));

createRoot(document.getElementById('graphiql')).render(
  createElement(GraphiQL, {
    fetcher: (request, options) => fetcher(request, { ...options, headers: withoutPlaceholder(options?.headers) }),
    defaultTabs: tabs.map(query => ({ query })),
    defaultQuery: tabs[0],
    defaultHeaders: key ? JSON.stringify({ Authorization: `Bearer ${key}` }, null, 2) : headers,
    defaultEditorToolsVisibility: 'headers',
    shouldPersistHeaders: false,
    inputValueDeprecation: true,
    schemaDescription: true,
  }),
);
