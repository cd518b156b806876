import { describe, expect, test } from 'vitest';
import { fake } from '../backend/fake';
import type { CommandArgument } from '../backend/wire/CommandArgument';
import { Filling, Order } from './order.svelte';

Object.assign(globalThis, { window: globalThis });
const backend = fake('usual', true);
const SHOP = '/home/ada/sites/shop';

async function opened(): Promise<Order> {
  const order = new Order(backend);
  order.look(SHOP, true);
  await expect.poll(() => order.site?.name).toBe('shop');
  return order;
}

function filling(order: Order, id: string): Filling {
  const command = order.command(id);
  if (!command) throw new Error(`no command ${id}`);
  order.choose(command);
  if (!order.filling) throw new Error('no form');
  return order.filling;
}

const named = (form: Filling, name: string) => form.command.arguments.find((one) => one.name === name) as CommandArgument;

describe('a command that is put together', () => {
  test('gives what was filled in, and nothing that was left empty', async () => {
    const form = filling(await opened(), 'wp.search-replace');
    form.set(named(form, 'old'), 0, 'one');
    form.more(named(form, 'table'));
    form.set(named(form, 'table'), 1, 'wp_posts');
    form.setFlag(named(form, 'precise'), true);
    form.dry = true;
    expect(form.call).toEqual({
      command: 'wp.search-replace',
      arguments: { old: ['one'], table: ['wp_posts'], precise: [] },
      dry_run: true,
    });
  });

  test('gives by itself what must always be given', async () => {
    const form = filling(await opened(), 'wp.db-reset');
    expect(form.call.arguments).toEqual({ yes: [] });
    await expect.poll(() => form.draft?.confirm).toBe('shop');
  });

  test('says what is wrong only where somebody has been, until a launch was tried', async () => {
    const form = filling(await opened(), 'wp.search-replace');
    await expect.poll(() => form.draft?.problems.length).toBe(2);
    expect(form.wrong(named(form, 'old'))).toBeNull();
    form.touched['old'] = true;
    expect(form.wrong(named(form, 'old'))).toBe('it needs <old>.');
    expect(form.wrong(named(form, 'new'))).toBeNull();
    form.tried = true;
    expect(form.wrong(named(form, 'new'))).toBe('it needs <new>.');
    expect(form.ready).toBe(false);
  });
});

describe('a workflow that is built', () => {
  test('keeps its order as commands are moved, changed and taken out', async () => {
    const order = await opened();
    order.build(order.workflows[0] ?? null);
    const ids = () => order.workflow.calls.map((call) => call.command);
    expect(ids()).toEqual(['wp.core-update-db', 'wp.media-regenerate', 'wp.cache-flush']);
    const [first, second] = order.places;
    order.move(first!.key, 2);
    expect(ids()).toEqual(['wp.media-regenerate', 'wp.cache-flush', 'wp.core-update-db']);
    order.move(first!.key, 3);
    expect(ids()).toEqual(['wp.media-regenerate', 'wp.cache-flush', 'wp.core-update-db']);
    order.change(second!);
    order.filling?.setFlag(named(order.filling, 'only-missing'), true);
    order.use();
    expect(order.workflow.calls[0]?.arguments).toEqual({ 'only-missing': [] });
    expect(order.page).toBe('workflow');
    order.remove(order.places[1]!);
    expect(ids()).toEqual(['wp.media-regenerate', 'wp.core-update-db']);
  });

  test('goes back a page at a time, and loses nothing by it', async () => {
    const order = await opened();
    order.build(null);
    order.page = 'list';
    filling(order, 'wp.cache-flush');
    expect(order.back()).toBe(true);
    expect(order.page).toBe('list');
    filling(order, 'wp.cache-flush');
    order.use();
    order.page = 'list';
    expect(order.back()).toBe(true);
    expect([order.page, order.places.length]).toEqual(['workflow', 1]);
    order.back();
    expect([order.page, order.building, order.back()]).toEqual(['list', false, false]);
  });
});
