import { createRoot } from 'react-dom/client';
import { createElement } from 'react';
import { GraphiQL } from 'graphiql';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import './style.css';

const assets = new URL('.', import.meta.url).pathname;
globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(assets + (WORKERS[label] ?? WORKERS.editor)),
};

// What the page was told; see Options in graphiql.go.
const { endpoint, tabs, headers } = JSON.parse(document.getElementById('graphiql').dataset.options);

// A link may bring an API key behind the #, where no server and no log sees it.
// It leaves the address at once and lasts until this browser tab is closed.
const fragment = new URLSearchParams(location.hash.slice(1));
if (fragment.has('key')) {
  sessionStorage.setItem('carillon.key', fragment.get('key'));
  history.replaceState(null, '', location.pathname + location.search);
}
const key = sessionStorage.getItem('carillon.key');

const url = new URL(endpoint, location.href);
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
