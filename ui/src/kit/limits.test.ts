import { describe, expect, test } from 'vitest';
import { fake } from '../backend/fake';
import { Limits, readLimit, spell, spellSize } from './limits.svelte';

Object.assign(globalThis, { window: globalThis });

describe('limits as they are typed', () => {
  test('are read as on the command line', () => {
    expect(readLimit('memory', '512M')).toBe(512 * 2 ** 20);
    expect(readLimit('memory', ' 1.5 GiB ')).toBe(1.5 * 2 ** 30);
    expect(readLimit('memory', '64mb')).toBe(64 * 2 ** 20);
    expect(readLimit('cpu_percent', '0,5')).toBe(50);
    expect(readLimit('deadline_seconds', '1.5h')).toBe(5400);
    expect(readLimit('stall_seconds', '90 s')).toBe(90);
    for (const text of ['512', 'M', '-1M', '1X', '1e3M']) expect(readLimit('memory', text), text).toBeNaN();
    for (const text of ['30', 'h', '1 year']) expect(readLimit('stall_seconds', text), text).toBeNaN();
    for (const text of ['2 of them', '50%', '']) expect(readLimit('cpu_percent', text), text).toBeNaN();
  });

  test('what applies otherwise is spelled as one would type it', () => {
    expect([spell(172_800), spell(600), spell(90)]).toEqual(['48 h', '10 min', '90 s']);
    expect([spellSize(512 * 2 ** 20), spellSize(2 ** 31)]).toEqual(['512M', '2G']);
  });

  test('ask for nothing when nothing was typed, and for no more than was', async () => {
    const limits = new Limits();
    expect(await limits.launch(async (asked) => JSON.stringify(asked))).toBe('null');
    limits.type('memory', '2G');
    expect(await limits.launch(async (asked) => JSON.stringify(asked))).toBe('{"memory":2147483648}');
    expect(limits.open).toBe(false);
  });

  test('what cannot be read launches nothing, and is said once somebody is done with it', async () => {
    const limits = new Limits();
    limits.type('deadline_seconds', 'soon');
    expect(limits.wrong('deadline_seconds')).toBe('');
    expect(await limits.launch(() => Promise.reject(new Error('launched')))).toBeNull();
    expect(limits.wrong('deadline_seconds')).toContain('such as 30m');
    expect(limits.open).toBe(true);
  });

  test('what the program refuses stands beside its field until that is changed; other refusals are not for it', async () => {
    const backend = fake('usual', true);
    const limits = new Limits();
    const call = { command: 'wp.cache-flush', arguments: {}, dry_run: false };
    const start = () => limits.launch((asked) => backend.launchCommand('/home/ada/sites/shop', call, null, asked));
    limits.type('memory', '1M');
    limits.type('cpu_percent', '0.5');
    expect(await start()).toBeNull();
    expect(limits.wrong('memory')).toBe('The limit of memory must be 16 MB or more.');
    limits.type('cpu_percent', '1');
    expect(limits.wrong('memory')).not.toBe('');
    limits.type('memory', '16M');
    expect(limits.wrong('memory')).toBe('');
    const id = await start();
    expect((await backend.job(id!)).spec).toMatchObject({ bounds: { memory: 16 * 2 ** 20, cpu: 1 } });
    await expect(limits.launch(() => Promise.reject({ code: 'site.gone', message: 'It is gone.' }))).rejects.toMatchObject({
      code: 'site.gone',
    });
  });
});
