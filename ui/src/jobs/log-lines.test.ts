import { expect, test, vi } from 'vitest';
import type { Backend } from '../backend/backend';
import { lineAt } from '../backend/fake/log';
import { LogLines } from './log-lines.svelte';

/** A log of a length that the test decides; pages come when it says so. */
function log(length: number) {
  const state = { length, waiting: [] as (() => void)[], held: false };
  const logPage = async (_: string, from: number, count: number) => {
    if (state.held) await new Promise<void>((resolve) => state.waiting.push(resolve));
    const lines = Array.from({ length: Math.max(0, Math.min(count, state.length - from)) }, (__, n) => lineAt(from + n, 0));
    return { lines, total: state.length };
  };
  return { state, lines: new LogLines({ logPage } as unknown as Backend, 'job') };
}

test('a log that grows gets longer only when its new lines are here', async () => {
  const { state, lines } = log(10);
  await vi.waitFor(() => expect(lines.total).toBe(10));
  state.length = 14;
  state.held = true;
  lines.grow(14);
  expect(lines.total).toBe(10);
  state.held = false;
  state.waiting.forEach((go) => go());
  await vi.waitFor(() => expect(lines.total).toBe(14));
  expect(lines.at(13)?.n).toBe(13);
});

test('of a long log the end is there first, and what is scrolled to comes', async () => {
  const { lines } = log(1_000_003);
  await vi.waitFor(() => expect(lines.total).toBe(1_000_003));
  expect(lines.at(1_000_002)?.n).toBe(1_000_002);
  expect(lines.at(500_000)).toBeUndefined();
  lines.need(500_000, 500_040);
  await vi.waitFor(() => expect(lines.at(500_000)?.n).toBe(500_000));
});

test('a log that nobody told of anything is asked again', async () => {
  const { state, lines } = log(3);
  await vi.waitFor(() => expect(lines.total).toBe(3));
  state.length = 450;
  await lines.refresh();
  expect(lines.total).toBe(450);
  expect(lines.at(449)?.n).toBe(449);
});
