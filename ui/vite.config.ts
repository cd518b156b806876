import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { forgetOldValues } from './vite.forget';

/** What the shell's content security policy allows; the page must live under it in a browser as well. */
export const csp = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
].join('; ');

export default defineConfig(({ mode }) => ({
  base: './',
  plugins: [forgetOldValues(), svelte()],
  define: { __FAKE__: JSON.stringify(mode === 'fake' || mode === 'development') },
  clearScreen: false,
  build: {
    outDir: mode === 'fake' ? '../artefacts/page-fake' : 'dist',
    emptyOutDir: true,
    target: ['safari16', 'chrome110'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
}));
