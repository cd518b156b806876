/** Short notes at the lower edge: what was done, or why it could not be. */
import { problemOf } from '../backend/backend';
import type { Problem } from '../backend/wire/Problem';

export interface Note {
  id: number;
  tone: 'said' | 'refused';
  text: string;
  help: string;
}

export const notes = $state<{ list: Note[] }>({ list: [] });
let last = 0;

function put(tone: Note['tone'], text: string, help: string, ms: number): void {
  last += 1;
  const id = last;
  notes.list = [...notes.list.filter((note) => note.text !== text).slice(-2), { id, tone, text, help }];
  setTimeout(() => dismiss(id), ms);
}

export function say(text: string): void {
  put('said', text, '', 5000);
}

/** Shows why something was refused; a sentence is needed longer than a word. */
export function refuse(thrown: unknown): void {
  const problem: Problem = problemOf(thrown);
  put('refused', problem.message, problem.help, 12_000);
}

export function dismiss(id: number): void {
  notes.list = notes.list.filter((note) => note.id !== id);
}
