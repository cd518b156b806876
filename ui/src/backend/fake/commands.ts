/** What the fake program answers about commands, as the real catalogue does, with a part of it. */
import type { CommandArgument } from '../wire/CommandArgument';
import type { CommandCall } from '../wire/CommandCall';
import type { CommandDraft } from '../wire/CommandDraft';
import type { CommandEffect } from '../wire/CommandEffect';
import type { CommandSite } from '../wire/CommandSite';
import type { CommandStanding } from '../wire/CommandStanding';
import type { JobView } from '../wire/JobView';
import type { NewCommand } from '../wire/NewCommand';
import type { OwnCommands } from '../wire/OwnCommands';
import type { SiteCommand } from '../wire/SiteCommand';
import type { Workflow } from '../wire/Workflow';
import { problem } from './make';

const argument = (name: string, kind: CommandArgument['kind'], more: Partial<CommandArgument> = {}): CommandArgument => ({
  ...{ name, kind, holds: 'text', choices: [], required: false, many: false, min: null, max: null },
  ...more,
});
const flag = (name: string, required = false) => argument(name, 'flag', { required });

function command(id: string, words: string, title: string, effect: CommandEffect, more: Partial<SiteCommand> = {}): SiteCommand {
  const program = id.split('.')[0] ?? '';
  const says = program === 'craft' ? 'php craft' : program;
  return {
    ...{
      id,
      program,
      typed: `${says} ${words}`,
      title,
      effect,
      dry_run: false,
      resumable: false,
      deadline_hours: 48,
      stall_minutes: 60,
    },
    arguments: [],
    ...more,
  };
}

const WORDPRESS: SiteCommand[] = [
  command('wp.cache-flush', 'cache flush', 'Empty the object cache', 'changes'),
  command('wp.core-update-db', 'core update-db', 'Bring the database up to date', 'changes', {
    dry_run: true,
    arguments: [flag('network')],
  }),
  command('wp.core-verify', 'core verify-checksums', 'Compare the core files with the release', 'reads'),
  command('wp.core-version', 'core version', 'Show the version', 'reads'),
  command('wp.cron-run', 'cron event run', 'Run scheduled events', 'changes', {
    arguments: [flag('due-now'), argument('hook', 'value', { holds: 'name', many: true })],
  }),
  command('wp.db-reset', 'db reset', 'Empty the whole database', 'destroys', { arguments: [flag('yes', true)] }),
  command('wp.media-regenerate', 'media regenerate', 'Make the thumbnails anew', 'changes', {
    resumable: true,
    arguments: [
      flag('only-missing'),
      argument('image_size', 'option', { holds: 'name' }),
      argument('attachment', 'value', { holds: 'integer', min: 1, many: true }),
    ],
  }),
  command('wp.plugin-list', 'plugin list', 'List the plugins', 'reads', {
    arguments: [
      argument('format', 'option', { choices: ['table', 'csv', 'json', 'count'] }),
      argument('status', 'option', { choices: ['active', 'inactive', 'must-use', 'dropin'] }),
    ],
  }),
  command('wp.plugin-update', 'plugin update', 'Update plugins', 'changes', {
    dry_run: true,
    arguments: [flag('all'), argument('plugin', 'value', { holds: 'name', many: true })],
  }),
  command('wp.rewrite-flush', 'rewrite flush', 'Build the permalinks anew', 'changes', { arguments: [flag('hard')] }),
  command('wp.search-replace', 'search-replace', 'Replace a text in the database', 'changes', {
    dry_run: true,
    arguments: [
      argument('old', 'value', { required: true }),
      argument('new', 'value', { required: true }),
      argument('table', 'value', { holds: 'name', many: true }),
      argument('skip-columns', 'option'),
      flag('all-tables'),
      flag('precise'),
    ],
  }),
  command('wp.site-empty', 'site empty', 'Remove all content', 'destroys', {
    arguments: [flag('uploads'), flag('yes', true)],
  }),
];
const CRAFT: SiteCommand[] = [
  command('craft.up', 'up', 'Run migrations and take in the configuration', 'changes'),
  command('craft.clear-caches', 'clear-caches/all', 'Empty the caches', 'changes'),
  command('craft.move-files', 'spaghetti-migrator/image-migration', 'Move files to folders', 'changes', { dry_run: true }),
];
const NPM: SiteCommand[] = [
  command('npm.run', 'run', 'Run a script of the project', 'changes', {
    arguments: [argument('script', 'value', { holds: 'script', required: true, choices: ['build', 'lint', 'test'] })],
  }),
];

let own: SiteCommand[] = [command('wp.user-list', 'user list', 'List the users', 'reads')];
const kept: Record<string, Workflow[]> = {
  '/home/ada/sites/shop': [
    {
      title: 'After a deploy',
      dry_run_first: true,
      calls: ['wp.core-update-db', 'wp.media-regenerate', 'wp.cache-flush'].map((id) => ({
        ...{ command: id, arguments: {}, dry_run: false },
      })),
    },
  ],
};

const everything = () => [...WORDPRESS, ...CRAFT, ...NPM, ...own];

export function site(path: string): CommandSite {
  const folder = path.replace(/\/+$/, '');
  if (!folder.startsWith('/'))
    throw problem('command.site', `There is no folder ${path}.`, 'Choose the folder of a site on this machine.', {}, false);
  if (folder.includes('empty'))
    throw problem(
      'command.none',
      `No command of the list fits ${folder}.`,
      'Choose a folder with a WordPress, Drupal, Laravel or Craft site, a composer.json or a package.json.',
      {},
      false,
    );
  const commands = folder.includes('craft') ? CRAFT : [...WORDPRESS, ...own.filter((one) => one.program === 'wp'), ...NPM];
  return { path: folder, name: folder.split('/').pop() ?? folder, commands };
}

const spelled = (one: CommandArgument) => (one.kind === 'value' ? `<${one.name}>` : `--${one.name}`);

export function draft(at: string, call: CommandCall): CommandDraft {
  const known = everything().find((one) => one.id === call.command);
  if (!known) throw problem('command.not-allowed', `"${call.command}" is not in the list of allowed commands.`, '', {}, false);
  const problems = [];
  const refuse = (one: CommandArgument, reason: string) =>
    problem(
      'command.refused',
      `${known.id} cannot be run: ${reason}.`,
      'Nothing was run. See the command’s arguments in the list of commands.',
      { command: known.id, argument: one.name },
      false,
    );
  const places: string[] = [];
  const options: string[] = [];
  for (const one of known.arguments) {
    const values = call.arguments[one.name];
    if (!values) {
      if (!one.required || (call.dry_run && one.kind === 'flag')) continue;
      problems.push(refuse(one, `it needs ${spelled(one)}`));
      (one.kind === 'value' ? places : options).push(spelled(one));
      continue;
    }
    const wrong = values.find(
      (value) =>
        (one.kind === 'value' && value.startsWith('-')) ||
        (one.holds === 'integer' && !/^\d+$/.test(value)) ||
        (one.holds === 'name' && !/^[\w.:/-]+$/.test(value)),
    );
    if (wrong !== undefined) {
      const reason = wrong.startsWith('-')
        ? 'could be taken for an option'
        : one.holds === 'integer'
          ? 'is no whole number'
          : 'may hold letters, digits and _ . : / - only';
      problems.push(refuse(one, `${spelled(one)}: "${wrong}" ${reason}`));
    } else if (one.kind === 'flag') options.push(`--${one.name}`);
    else if (one.kind === 'value') places.push(...values);
    else options.push(...values.map((value) => `--${one.name}=${value}`));
  }
  return {
    words: [...known.typed.split(' '), ...places, ...options, ...(call.dry_run ? ['--dry-run'] : []), '--no-color'],
    problems,
    confirm: known.effect === 'destroys' && !call.dry_run ? (at.split('/').pop() ?? at) : null,
  };
}

/** Refuses what the real program refuses when it is launched. */
export function admit(at: string, call: CommandCall, confirm: string | null): string {
  const looked = draft(at, call);
  const [first] = looked.problems;
  if (first) throw first;
  const title = everything().find((one) => one.id === call.command)?.title ?? call.command;
  if (looked.confirm && looked.confirm !== confirm)
    throw problem(
      'command.confirm',
      `${title}: this removes what cannot be brought back.`,
      `Type the name of the site to go on: ${looked.confirm}`,
      { name: looked.confirm },
      false,
    );
  return title;
}

export const workflows = (at: string): Workflow[] => structuredClone(kept[at] ?? []);

export function saveWorkflow(at: string, workflow: Workflow): void {
  if (!workflow.title.trim()) throw problem('workflow.title', 'The workflow has no name.', 'Give it one.', {}, false);
  kept[at] = [...workflows(at).filter((one) => one.title !== workflow.title), structuredClone(workflow)].sort((a, b) =>
    a.title.localeCompare(b.title),
  );
}

export function removeWorkflow(at: string, title: string): boolean {
  const before = workflows(at);
  kept[at] = before.filter((one) => one.title !== title);
  return kept[at].length < before.length;
}

export function standing(job: JobView): CommandStanding[] {
  if (job.kind !== 'command' && job.kind !== 'workflow') return [];
  const spec = job.spec as { call?: CommandCall; calls?: [string, CommandCall][] };
  const calls: [string, string, CommandCall][] = spec.call
    ? [['run', '', spec.call]]
    : (spec.calls ?? []).map(([title, call], n) => [`command-${n + 1}`, title, call]);
  return calls.map(([step, title, call]) => {
    const known = everything().find((one) => one.id === call.command);
    const at = job.steps.find((one) => one.name === step);
    const begun = at !== undefined && at.state !== 'pending';
    return {
      step,
      title: title || (known?.title ?? call.command),
      words: draft(job.source ?? '', call).words,
      effect: known?.effect ?? null,
      resumable: known?.resumable ?? false,
      dry_run: call.dry_run,
      phase: begun && at.state !== 'completed' ? 'Rewrite references' : null,
      checkpoint: begun && known?.resumable && at.state !== 'completed' ? '{"last":4120}' : null,
      stats: (begun
        ? { moved: at.state === 'completed' ? 8167 : 3996, skipped: at.state === 'completed' ? 253 : 124 }
        : {}) as Record<string, number>,
    };
  });
}

export function ownCommands(): OwnCommands {
  return {
    file: '/home/ada/.local/share/clonedeck/commands.toml',
    commands: structuredClone(own),
    programs: {
      ...{ artisan: 'php artisan', composer: 'composer', craft: 'php craft', drush: 'drush', npm: 'npm', wp: 'wp' },
    },
    problem: null,
  };
}

export function addOwn(added: NewCommand): string {
  const refuse = (field: string, message: string) =>
    problem('command.own.refused', message, 'Nothing was changed.', { field }, false);
  const words = added.words.trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) throw refuse('words', 'Say which words come after the program, such as “user list”.');
  if (!words.every((word) => /^[\w.:/][\w.:/-]*$/.test(word)))
    throw refuse('words', 'Words hold letters, digits and _ . : / - and do not begin with a dash; what does is an argument.');
  if (!added.title.trim()) throw refuse('title', 'Say in a few words what it does.');
  const id = `${added.program}.${words.join('-')}`;
  if (everything().some((one) => one.id === id))
    throw problem(
      'command.own.known',
      `${added.program} ${words.join(' ')} is in the list already.`,
      '',
      { field: 'words' },
      false,
    );
  own = [
    ...own,
    command(id, words.join(' '), added.title, added.effect, {
      ...{ dry_run: added.dry_run !== '', resumable: added.resume !== null, deadline_hours: added.deadline_hours },
      arguments: added.arguments,
    }),
  ];
  return id;
}

export function removeOwn(id: string): boolean {
  const before = own.length;
  own = own.filter((one) => one.id !== id);
  return own.length < before;
}
