/** What can be gone to or done by typing: actions, jobs, sites. */
import CopyPlus from '@lucide/svelte/icons/copy-plus';
import Globe from '@lucide/svelte/icons/globe';
import Hammer from '@lucide/svelte/icons/hammer';
import Keyboard from '@lucide/svelte/icons/keyboard';
import LogOut from '@lucide/svelte/icons/log-out';
import MonitorPlay from '@lucide/svelte/icons/monitor-play';
import Moon from '@lucide/svelte/icons/moon';
import Pause from '@lucide/svelte/icons/pause';
import Play from '@lucide/svelte/icons/play';
import Settings from '@lucide/svelte/icons/settings';
import SquareTerminal from '@lucide/svelte/icons/square-terminal';
import Stethoscope from '@lucide/svelte/icons/stethoscope';
import Store from '@lucide/svelte/icons/store';
import Sun from '@lucide/svelte/icons/sun';
import SunMoon from '@lucide/svelte/icons/sun-moon';
import type { Component } from 'svelte';
import type { JobRow } from '../backend/wire/JobRow';
import type { SiteSeen } from '../backend/wire/SiteSeen';
import { markOf } from '../jobs/say';
import { host } from '../kit/format';
import { states, words } from '../words';
import { fresh } from '../words/fresh';
import type { Deck } from './deck.svelte';
import { setTheme } from './theme.svelte';

const w = words.palette;

type Icon = Component<{ size?: number | string }>;
export interface Entry {
  id: string;
  group: string;
  label: string;
  more: string;
  /** The state of a job as a shape; an action has a picture. */
  mark?: ReturnType<typeof markOf>;
  progress?: number;
  icon?: Icon;
  run: () => void;
}

export function actionsOf(deck: Deck): Entry[] {
  const theme = (chosen: 'system' | 'light' | 'dark') => {
    setTheme(chosen);
    void deck.attempt(async () => deck.backend.saveSettings({ ...(await deck.backend.settings()), theme: chosen }));
  };
  const action = (id: string, icon: Icon, label: string, more: string, run: () => void): Entry => ({
    id,
    icon,
    group: w.actions,
    label,
    more,
    run,
  });
  const paused = deck.queue.status?.paused ?? false;
  return [
    action('new', CopyPlus, words.side.newClone, 'Ctrl N', () => deck.newClone()),
    action('command', SquareTerminal, fresh.command, fresh.keys.command, () => deck.newCommand()),
    action('build', Hammer, fresh.build, fresh.keys.build, () => deck.newBuild()),
    action('demo', Store, words.side.demo, '', () => void deck.demo()),
    action(
      'queue',
      paused ? Play : Pause,
      paused ? words.side.resumeQueue : words.side.pauseQueue,
      'Ctrl Shift P',
      () => void deck.toggleQueue(),
    ),
    action('sites', Globe, words.side.sites, '', () => deck.go('sites')),
    action('previews', MonitorPlay, fresh.previews, '', () => deck.go('previews')),
    action('settings', Settings, words.side.settings, 'Ctrl ,', () => deck.go('settings')),
    action('doctor', Stethoscope, w.doctor, '', () => {
      deck.go('settings');
      deck.doctor += 1;
    }),
    action('light', Sun, w.theme(words.settings.light), '', () => theme('light')),
    action('dark', Moon, w.theme(words.settings.dark), '', () => theme('dark')),
    action('system', SunMoon, w.theme(words.settings.system), '', () => theme('system')),
    action('keys', Keyboard, w.keys, '?', () => (deck.asking = { what: 'keys' })),
    action('quit', LogOut, w.quit, 'Ctrl Q', () => void deck.attempt(() => deck.backend.askQuit())),
  ];
}

export function jobsOf(deck: Deck, older: JobRow[]): Entry[] {
  const known = [...deck.queue.active, ...deck.queue.history.slice(0, 300)].map((job) => job.row);
  const seen = new Set(known.map((row) => row.id));
  return [...known, ...older.filter((row) => !seen.has(row.id))].map((row) => ({
    id: row.id,
    group: w.jobs,
    label: row.title,
    mark: markOf(row),
    progress: row.progress,
    more: `${states[row.state]} · ${deck.path(row.target ?? row.source)}`,
    run: () => {
      deck.queue.know(row);
      deck.bring(row.id);
    },
  }));
}

export function placesOf(deck: Deck, sites: SiteSeen[]): Entry[] {
  return sites.flatMap((site) => {
    const name = site.address ? host(site.address) : deck.path(site.path);
    const entry = (verb: string, icon: Icon, label: string, run: () => void): Entry => ({
      ...{ id: `${verb}:${site.path}`, group: w.sites, icon, label, run },
      more: deck.path(site.path),
    });
    return [
      entry('clone', CopyPlus, w.clone(name), () => deck.newClone(site.path)),
      entry('command', SquareTerminal, fresh.commandIn(name), () => deck.newCommand(site.path)),
    ];
  });
}
