import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { build } from 'vite';

describe('the page as it is shipped', () => {
  let folder: string;
  let scripts: [string, string][];
  let html: string;

  beforeAll(async () => {
    vi.stubEnv('NODE_ENV', 'production');
    folder = await mkdtemp(join(tmpdir(), 'clonedeck-page-'));
    await build({
      root: new URL('..', import.meta.url).pathname,
      mode: 'production',
      logLevel: 'error',
      build: { outDir: folder },
    });
    html = await readFile(join(folder, 'index.html'), 'utf8');
    const names = (await readdir(join(folder, 'assets'))).filter((name) => name.endsWith('.js'));
    scripts = await Promise.all(
      names.map(async (name): Promise<[string, string]> => [name, await readFile(join(folder, 'assets', name), 'utf8')]),
    );
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true });
  });

  test('its JavaScript is below 150 KB gzipped', () => {
    const size = scripts.reduce((sum, [, text]) => sum + gzipSync(text).length, 0);
    console.log(`JavaScript: ${(size / 1000).toFixed(1)} KB gzipped`);
    expect(size).toBeLessThan(150_000);
  });

  test('it has no script of its own in the page and asks for nothing from a network', () => {
    expect(html).not.toMatch(/<script(?![^>]* src="\.\/)/);
    expect(html).not.toMatch(/https?:\/\//);
  });

  test('it evaluates no text as code', () => {
    for (const [name, text] of scripts) expect(text, name).not.toMatch(/\beval\(|new Function\(/);
  });

  test('the fake program is not in it', () => {
    for (const [name, text] of scripts) expect(text, name).not.toContain('Quiet-Harbour');
  });
});
