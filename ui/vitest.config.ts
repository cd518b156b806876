import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  define: { __FAKE__: 'true' },
  test: { include: ['src/**/*.test.ts', 'tests/{build,tokens}.test.ts'], testTimeout: 30_000, hookTimeout: 180_000 },
});
