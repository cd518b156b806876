import ArrowDown from '@lucide/svelte/icons/arrow-down';
import ArrowUp from '@lucide/svelte/icons/arrow-up';
import CopyPlus from '@lucide/svelte/icons/copy-plus';
import ExternalLink from '@lucide/svelte/icons/external-link';
import FolderOpen from '@lucide/svelte/icons/folder-open';
import Hammer from '@lucide/svelte/icons/hammer';
import ListRestart from '@lucide/svelte/icons/list-restart';
import Pause from '@lucide/svelte/icons/pause';
import Play from '@lucide/svelte/icons/play';
import RotateCw from '@lucide/svelte/icons/rotate-cw';
import ShieldOff from '@lucide/svelte/icons/shield-off';
import SquareTerminal from '@lucide/svelte/icons/square-terminal';
import Trash from '@lucide/svelte/icons/trash-2';
import X from '@lucide/svelte/icons/x';
import type { Choice } from '../kit/Menu.svelte';
import type { Deck } from '../shell/deck.svelte';
import { previews as previewWords } from '../words/previews';
import { fresh } from '../words/fresh';
import { words } from '../words';
import { can } from './actions';
import type { Job } from './job.svelte';

/** What the menu of one or several jobs offers. */
export function choicesFor(deck: Deck, jobs: Job[]): Choice[] {
  const [one] = jobs;
  if (!one) return [];
  const single = jobs.length === 1 ? one.row : null;
  const some = (verb: Parameters<typeof can>[0]) => jobs.some((job) => can(verb, job.row));
  const choices: (Choice | false)[] = [
    some('pause') && { id: 'pause', label: words.job.pause, icon: Pause, keys: 'P', run: () => void deck.steer('pause', jobs) },
    some('resume') && {
      id: 'resume',
      label: words.job.resume,
      icon: Play,
      keys: 'P',
      run: () => void deck.steer('resume', jobs),
    },
    some('retry') && {
      id: 'retry',
      label: words.job.retry,
      icon: RotateCw,
      keys: 'R',
      run: () => void deck.steer('retry', jobs),
    },
    (single?.state === 'failed' || single?.state === 'waiting' || single?.state === 'paused') && {
      id: 'from-start',
      label: words.job.fromStart,
      icon: ListRestart,
      run: () => void deck.send([single.id], { do: 'retry-from-start' }),
    },
    some('up') && { id: 'up', label: words.job.up, icon: ArrowUp, keys: '+', run: () => void deck.steer('up', jobs) },
    some('down') && { id: 'down', label: words.job.down, icon: ArrowDown, keys: '−', run: () => void deck.steer('down', jobs) },
    single?.state === 'completed' &&
      (single.kind === 'clone' || single.kind === 'build') && {
        id: 'open-copy',
        label: single.kind === 'clone' ? words.result.open : previewWords.open,
        icon: ExternalLink,
        keys: 'O',
        run: () => void deck.attempt(() => deck.backend.openCopy(single.id)),
      },
    single?.state === 'completed' && {
      id: 'open-folder',
      label: words.result.folder,
      icon: FolderOpen,
      run: () => void deck.attempt(() => deck.backend.openFolder(single.id)),
    },
    single?.kind === 'clone' && {
      id: 'clone-again',
      label: words.job.cloneAgain,
      icon: CopyPlus,
      apart: true,
      run: () => deck.newClone(null, single.id),
    },
    single?.source != null &&
      (single.kind === 'command' || single.kind === 'workflow') && {
        id: 'command-again',
        label: fresh.command,
        icon: SquareTerminal,
        apart: true,
        run: () => deck.newCommand(single.source),
      },
    single?.kind === 'build' && {
      id: 'build-again',
      label: fresh.buildIt,
      icon: Hammer,
      apart: true,
      run: () => deck.newBuild(single.source),
    },
    single?.state === 'completed' &&
      single.kind === 'clone' && {
        id: 'lift',
        label: words.result.lift,
        icon: ShieldOff,
        apart: true,
        run: () => void (deck.asking = { what: 'lift', id: single.id }),
      },
    single?.state === 'completed' &&
      single.kind === 'clone' && {
        id: 'delete',
        label: words.result.remove,
        icon: Trash,
        danger: true,
        run: () => void (deck.asking = { what: 'delete', id: single.id }),
      },
    some('cancel') && {
      id: 'cancel',
      label: single?.state === 'failed' && single.kind === 'clone' ? words.job.clearUp : words.job.cancel,
      icon: X,
      keys: 'Del',
      danger: true,
      apart: true,
      run: () => void deck.steer('cancel', jobs),
    },
  ];
  return choices.filter((choice): choice is Choice => choice !== false && choice !== undefined);
}
