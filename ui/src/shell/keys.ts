/** Keys that work anywhere in the window. Letters only where nothing is being typed and nothing is being asked. */
import type { Deck } from './deck.svelte';

export function keys(deck: Deck, event: KeyboardEvent): void {
  if (event.defaultPrevented) return;
  const combined = event.ctrlKey || event.metaKey;
  const done = combined ? withControl(deck, event) : alone(deck, event);
  if (done) event.preventDefault();
}

function withControl(deck: Deck, event: KeyboardEvent): boolean {
  switch (event.key.toLowerCase()) {
    case 'n':
      if (deck.asking?.what !== 'new-clone') deck.newClone();
      return true;
    case 'j':
      if (deck.asking?.what !== 'new-command') deck.newCommand();
      return true;
    case 'b':
      if (deck.asking?.what !== 'new-build') deck.newBuild();
      return true;
    case 'k':
      deck.asking = deck.asking?.what === 'palette' ? null : { what: 'palette' };
      return true;
    case 'q':
      void deck.attempt(() => deck.backend.askQuit());
      return true;
    case 'w':
      void deck.attempt(() => deck.backend.askClose());
      return true;
    case ',':
      deck.go('settings');
      return true;
    case 'p':
      if (event.shiftKey) void deck.toggleQueue();
      // Printing a list of jobs helps nobody, and the web view would offer it.
      return true;
    case 'f':
      if (deck.asking || !deck.open) return false;
      deck.tab = 'log';
      deck.find += 1;
      return true;
    default:
      return false;
  }
}

/** The web view's own menu reloads and goes back, which here would only lose what was typed. Text keeps it, to be copied and pasted. */
export function menu(event: MouseEvent): void {
  if (!isTyping(event.target) && !window.getSelection()?.toString()) event.preventDefault();
}

function alone(deck: Deck, event: KeyboardEvent): boolean {
  if (deck.asking || isTyping(event.target) || event.altKey) return false;
  const { jobs } = deck;
  const open = document.querySelector('[role="menu"], .inbox') !== null;
  if (open) return false;
  switch (event.key) {
    case 'p':
    case 'P':
      void deck.pauseOrResume();
      return true;
    case 'r':
    case 'R':
      void deck.steer('retry');
      return true;
    case '+':
      void deck.steer('up');
      return true;
    case '-':
    case '−':
      void deck.steer('down');
      return true;
    case 'Delete':
      void deck.steer('cancel');
      return true;
    case 'o':
    case 'O': {
      const [job] = jobs;
      if (jobs.length !== 1 || job?.row.state !== 'completed') return false;
      void deck.attempt(() => deck.backend.openCopy(job.id));
      return true;
    }
    case '?':
      deck.asking = { what: 'keys' };
      return true;
    case 'F6':
      otherHalf();
      return true;
    case 'Escape':
      if (deck.drawer) deck.drawer = false;
      else if (deck.chosen.length > 1) deck.choose(deck.chosen.at(-1) ?? '');
      else return false;
      return true;
    default:
      return false;
  }
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.closest('input:not([type="checkbox"]), textarea, select, [contenteditable]') !== null
  );
}

/** From the list to the job, and back. */
function otherHalf(): void {
  const list = document.querySelector<HTMLElement>('[role="listbox"]');
  const inList = list !== null && list.contains(document.activeElement);
  const page = document.querySelector<HTMLElement>('main button, main [tabindex="0"]');
  (inList ? page : list)?.focus();
}
