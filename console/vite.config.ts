import { lingui } from '@lingui/vite-plugin';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// In development (npx vite) the API is a service on this machine: `go run .` beside it.
const api = process.env.CARILLON_URL ?? 'http://localhost:8080';

export default defineConfig({
  plugins: [react({ babel: { plugins: ['@lingui/babel-plugin-lingui-macro'] } }), lingui()],
  build: {
    outDir: 'build',
    assetsDir: 'assets',
    target: ['chrome111', 'firefox114', 'safari16.4'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // the content security policy takes no data: scripts or styles
    reportCompressedSize: false,
    manifest: true,
  },
  server: { proxy: { '/graphql': { target: api, ws: true }, '/schema.graphql': api } },
});
