import { expect, test, vi } from 'vitest';
import type { Backend } from '../backend/backend';
import { id, job as view } from '../backend/fake/make';
import { Deck } from './deck.svelte';

test('a job is in front of a person only while the jobs are: its end is announced to whoever reads the settings', () => {
  const told = vi.fn(() => Promise.resolve());
  const job = () => Promise.resolve(view({ n: 1, title: 'shop', state: 'running', step: 6, share: 0.2 }, Date.now()));
  const deck = new Deck({ job, setLooking: told, onLeaveAsked: () => undefined } as Partial<Backend> as Backend);
  deck.choose(id(1));
  deck.go('settings');
  deck.go('sites');
  deck.go('jobs');
  expect(told.mock.calls.flat()).toEqual([id(1), null, null, id(1)]);
});
