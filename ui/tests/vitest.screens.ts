import { defineConfig } from 'vitest/config';

/** Tests in a browser, on the fake program: one browser for all of them, so one file after the other. */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['tests/e2e/**/*.test.ts', 'tests/screens.test.ts'],
    globalSetup: 'tests/build-fake.ts',
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
