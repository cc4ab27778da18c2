import { defineConfig } from 'vitest/config';

// The real program and a real Chromium: one file at a time, as both take their processor.
export default defineConfig({
  test: {
    root: new URL('.', import.meta.url).pathname,
    include: ['*.e2e.ts'],
    globalSetup: ['build.ts'],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
