/** A program that is not there: it behaves as the real one does, in memory. For tests in a browser, and for work on the page alone. */
import type { Backend, Drop, Leave } from './backend';
import * as answers from './fake/answers';
import * as builds from './fake/builds';
import * as commands from './fake/commands';
import { folder } from './fake/folders';
import { bounded } from './fake/limits';
import { find, lineAt } from './fake/log';
import { id, job as makeJob, past, problem, row, type Told } from './fake/make';
import { logOf, other, type Other } from './fake/others';
import { SCENES } from './fake/scenes';
import { Simulation } from './fake/simulation';
import type { Order } from '../new-clone/wanted.svelte';
import type { JobFilter } from './wire/JobFilter';
import type { JobView } from './wire/JobView';
import type { Offer } from './wire/Offer';
import type { Problem } from './wire/Problem';

/** What a test may do to the fake: the things that come from outside the page. */
export interface Outside {
  drop(drop: Drop): void;
  askLeave(leave: Leave): void;
  show(job: string): void;
  handOver(offer: Partial<Offer>): void;
  /** Moves the simulated work on by this many seconds at once. */
  pass(seconds: number): void;
  /** What was asked that leaves no trace in the page. */
  calls: string[];
}

declare global {
  interface Window {
    outside?: Outside;
  }
}

/** `?scene=usual` chooses a situation; `&still` keeps it as it is. */
export function fakeFromAddress(): Backend {
  const query = new URLSearchParams(location.search);
  return fake(query.get('scene') ?? 'usual', query.has('still'));
}

export function fake(name: string, still = false): Backend {
  const begun = Date.now();
  const scene = (SCENES[name] ?? SCENES['usual'])!(begun);
  const world = new Simulation(scene, begun);
  let settings = structuredClone(answers.SETTINGS);
  let notices = scene.firstStart ? [] : answers.notices(begun);
  let secondsShown = true;
  const calls: string[] = [];
  let onDrop: (drop: Drop) => void = () => {};
  let onLeaveAsked: (leave: Leave) => void = () => {};
  let next = 990_000;

  const view = (wanted: string): JobView => {
    const known = world.jobs.get(wanted);
    if (known) return structuredClone(known);
    const number = Number.parseInt(wanted.slice(-12), 16);
    if (number < scene.past) return past(number, begun);
    throw problem(
      'job-unknown',
      `There is no job ${wanted}.`,
      'It may have been removed by the retention set in the settings.',
      {},
      false,
    );
  };
  const later = <T>(value: () => T): Promise<T> =>
    new Promise((resolve, reject) =>
      setTimeout(
        () => {
          try {
            resolve(value());
          } catch (refused) {
            reject(refused as Problem);
          }
        },
        scene.slow ? 60_000 : 5,
      ),
    );
  const matches = (candidate: JobView, filter: JobFilter) =>
    (filter.states.length === 0 || filter.states.includes(candidate.state)) &&
    (filter.kinds.length === 0 || filter.kinds.includes(candidate.kind)) &&
    (!filter.batch || candidate.batch === filter.batch) &&
    (!filter.site || candidate.source === filter.site || candidate.target === filter.site) &&
    `${candidate.title} ${candidate.source} ${candidate.target}`.toLowerCase().includes(filter.search.toLowerCase());
  const page = (filter: JobFilter, after: string | null, limit: number) => {
    const told = [...world.jobs.values()]
      .filter((one) => one.finished_at)
      .sort((a, b) => (b.finished_at ?? '').localeCompare(a.finished_at ?? ''));
    const from = after === null ? 0 : Number(after);
    const jobs = [];
    let at = from;
    for (; at < told.length + scene.past && jobs.length < limit; at += 1) {
      const candidate = told[at] ?? past(at - told.length, begun);
      if (matches(candidate, filter)) jobs.push(row(candidate));
    }
    return { jobs, next: at < told.length + scene.past ? String(at) : null };
  };
  const servers = new builds.Servers();
  let cache = { entries: 14, bytes: 1_284_000_000 };
  const launch = (told: Omit<Other, 'n' | 'state'>) => {
    next += 1;
    world.add(other({ ...told, n: next, state: 'running', ago: 0 }, Date.now()));
    return id(next);
  };
  const launchClone = ([request, passwords]: Order, batch: string | null, batchTitle: string | null): string => {
    next += 1;
    const running = [...world.jobs.values()].filter((one) => one.state === 'running').length;
    const told: Told = {
      n: next,
      title:
        answers.site(request.source, request.source_db, null, passwords.source).addresses[0]?.replace('https://', '') ??
        request.source,
      state: running < settings.slots ? 'running' : 'queued',
      ago: 0,
      source: request.source,
      target: request.target,
      batch,
      batchTitle,
      ...(request.url ? { url: request.url } : {}),
      ...(running < settings.slots ? { step: 0 } : {}),
    };
    world.add(makeJob(told, Date.now()));
    return id(next);
  };
  const lines = (wanted: string) => world.lines(wanted, view(wanted));

  if (!still) setInterval(() => world.pass(0.1), 100);
  window.outside = {
    drop: (drop) => onDrop(drop),
    askLeave: (leave) => onLeaveAsked(leave),
    show: (shown) => world.send({ show: shown }),
    handOver: (offer) => world.send({ offer: { source: '', by_link: false, refused: null, cancel: null, ...offer } }),
    pass: (seconds) => {
      for (let passed = 0; passed < seconds; passed += 0.1) world.pass(0.1);
    },
    calls,
  };

  const opened = () => {
    if (scene.broken)
      throw problem(
        'store-newer',
        'The database was written by a newer Clonedeck (schema 9; this one knows 4).',
        'Start the newer version, or put back the backup of the older one from /home/ada/.local/share/clonedeck/backups.',
        { path: '/home/ada/.local/share/clonedeck/clonedeck.db' },
        false,
      );
  };

  return {
    openAgain: () => later(opened),
    about: () =>
      later(() => {
        opened();
        return {
          version: '0.1.0',
          data_dir: '/home/ada/.local/share/clonedeck',
          tray: true,
          first_start: scene.firstStart ?? false,
        };
      }),
    snapshot: () =>
      later(() => {
        opened();
        const history = page({ states: [], kinds: [], search: '', site: null, batch: null }, null, 50);
        const active = [...world.jobs.values()].filter((one) => !one.finished_at).map(row);
        return {
          seq: world.seq,
          active,
          history,
          queue: world.status(settings.slots),
          unread: notices.filter((notice) => !notice.read).length,
        };
      }),
    follow: (onUpdate) => later(() => void (world.listener = onUpdate)),
    setVisible: (visible) => {
      secondsShown = visible;
      world.visible = secondsShown;
      return later(() => undefined);
    },
    setLooking: () => later(() => undefined),
    jobsPage: (filter, after, limit) => later(() => page(filter, after, limit)),
    job: (wanted) => later(() => view(wanted)),
    logPage: (wanted, from, count) =>
      later(() => {
        const total = lines(wanted);
        const start = Date.parse(view(wanted).created_at);
        const first = Math.max(0, from);
        return {
          lines: Array.from({ length: Math.max(0, Math.min(count, total - first)) }, (_, n) =>
            lineAt(first + n, start, logOf(view(wanted))),
          ),
          total,
        };
      }),
    logSearch: (wanted, text, from, backwards) => later(() => find(text, from, backwards, lines(wanted), 0)),
    steer: (ids, action) => {
      calls.push(`steer ${action.do} ${ids.length}`);
      return later(() => ids.flatMap((one) => world.steer(one, action)));
    },
    pauseQueue: () => later(() => world.hold(true, settings.slots)),
    resumeQueue: () => later(() => world.hold(false, settings.slots)),
    inspect: ({ source, source_db, source_url }, passwords) =>
      later(() => answers.site(source, source_db, source_url, passwords.source)),
    folderPage: (_request, _passwords, path) => later(() => folder(path)),
    cloneDefaults: (source) =>
      later(() => ({
        target: `${source}-copy`,
        db: null,
      })),
    planClone: (...order) => later(() => answers.plan(...order)),
    launchClone: (...order) => later(() => launchClone(order, null, null)),
    launchClones: (title, orders) =>
      later(() => {
        orders.forEach(([request], number) => {
          if (orders.findIndex(([other]) => other.target === request.target) < number)
            throw problem(
              'target.twice',
              `Two of the copies would go into ${request.target}.`,
              'Give each copy a folder of its own.',
              { request: String(number) },
              false,
            );
        });
        const batch = `0193a000-0000-7000-8000-0000000ba${next}`;
        return { batch, jobs: orders.map((order) => launchClone(order, batch, title)) };
      }),
    launchDemo: () =>
      later(() => {
        next += 1;
        world.add(
          makeJob(
            {
              n: next,
              title: 'demo-shop.example',
              state: 'running',
              step: 0,
              ago: 0,
              source: '/home/ada/.local/share/clonedeck/demo/shop',
            },
            Date.now(),
          ),
        );
        return id(next);
      }),
    commandSite: (path) => later(() => commands.site(path)),
    draftCommand: (site, call) => later(() => commands.draft(site, call)),
    launchCommand: (site, call, confirm, limits) =>
      later(() => {
        const bounds = bounded(limits);
        const title = commands.admit(site, call, confirm);
        const name = commands.site(site).name;
        calls.push(`command ${commands.draft(site, call).words.join(' ')}`);
        const spec = { site, call: structuredClone(call), confirm, bounds };
        return launch({ kind: 'command', title: `${title}${call.dry_run ? ', only shown' : ''}: ${name}`, source: site, spec });
      }),
    commandStanding: (wanted) => later(() => commands.standing(view(wanted))),
    workflows: (site) => later(() => commands.workflows(site)),
    saveWorkflow: (site, workflow) => later(() => commands.saveWorkflow(site, workflow)),
    removeWorkflow: (site, title) => later(() => commands.removeWorkflow(site, title)),
    launchWorkflow: (site, workflow, confirm, limits) =>
      later(() => {
        const bounds = bounded(limits);
        const shown: [string, unknown][] = [];
        const real: [string, unknown][] = [];
        for (const call of workflow.calls) {
          const title = commands.admit(site, call, confirm);
          const known = commands.site(site).commands.find((one) => one.id === call.command);
          if (workflow.dry_run_first && known?.dry_run) shown.push([`${title} (only shown)`, { ...call, dry_run: true }]);
          real.push([title, call]);
        }
        calls.push(`workflow ${workflow.calls.map((call) => call.command).join(' ')}`);
        const spec = structuredClone({ site, title: workflow.title, calls: [...shown, ...real], bounds });
        return launch({ kind: 'workflow', title: `${workflow.title}: ${commands.site(site).name}`, source: site, spec });
      }),
    ownCommands: () => later(() => commands.ownCommands()),
    addOwnCommand: (added) => later(() => commands.addOwn(added)),
    removeOwnCommand: (wanted) => later(() => commands.removeOwn(wanted)),
    inspectBuild: (path) => later(() => builds.inspect(path)),
    launchBuild: (request) =>
      later(() => {
        const report = builds.inspect(request.source);
        const bounds = bounded(request.limits ?? null);
        calls.push(`build ${request.source}`);
        const name = report.path.split('/').pop() ?? report.path;
        return launch({
          kind: 'build',
          title: `Build ${name}`,
          source: report.path,
          spec: { ...structuredClone(request), bounds },
        });
      }),
    buildCache: () => later(() => cache),
    clearBuildCache: () =>
      later(() => {
        const before = cache;
        cache = { entries: 0, bytes: 0 };
        return before;
      }),
    previews: () => later(() => servers.list(world.jobs.values())),
    startPreview: (wanted) => later(() => servers.start(view(wanted))),
    stopPreview: (wanted) => later(() => servers.stop(wanted)),
    restartPreview: (wanted) => later(() => servers.start(view(wanted))),
    openPreviewLog: (wanted) => later(() => void calls.push(`open-preview-log ${wanted}`)),
    receipt: (wanted) => later(() => answers.receipt(view(wanted).result?.findings ?? 0)),
    receiptSave: (wanted, format) => later(() => `/home/ada/Documents/receipt-${wanted.slice(-6)}.${format}`),
    secrets: () => later(() => ({ username: 'clonedeck', password: 'k7-Quiet-Harbour-41' })),
    openCopy: (wanted) => later(() => void calls.push(`open-copy ${wanted}`)),
    openFolder: (wanted) => later(() => void calls.push(`open-folder ${wanted}`)),
    openLog: (wanted) => later(() => void calls.push(`open-log ${wanted}`)),
    liftNeutralisation: () =>
      later(() => ['Mail leaves the copy again', 'Scheduled tasks run again', 'Outgoing requests are allowed']),
    deleteCopyPlan: (wanted) =>
      later(() => [
        `the folder ${view(wanted).target} with 22,639 files, 1.7 GB`,
        `the database ${view(wanted).result?.database} with 12 tables`,
        'the login clonedeck',
      ]),
    deleteCopy: (wanted, confirm) =>
      later(() => {
        if (confirm !== view(wanted).target?.split('/').pop())
          throw problem('confirm-differs', 'The name does not match.', 'Type the name of the folder as it is shown.', {}, false);
        calls.push(`delete ${wanted}`);
      }),
    recentSites: () => later(() => (scene.firstStart ? [] : answers.sites(begun))),
    pickFolder: () => later(() => '/home/ada/sites/shop'),
    pickArchive: () => later(() => '/home/ada/Downloads/checkout.zip'),
    settings: () => later(() => structuredClone(settings)),
    saveSettings: (changed) => later(() => void (settings = structuredClone(changed))),
    doctor: () => later(() => answers.DOCTOR),
    notices: () => later(() => notices),
    noticesRead: () =>
      later(() => {
        notices = notices.map((notice) => ({ ...notice, read: true }));
        world.send({ unread: 0 });
      }),
    hide: () => later(() => void calls.push('hide')),
    askClose: () => later(() => onLeaveAsked('close')),
    askQuit: () => later(() => onLeaveAsked('quit')),
    quit: () => later(() => void calls.push('quit')),
    onDrop: (handler) => void (onDrop = handler),
    onLeaveAsked: (handler) => void (onLeaveAsked = handler),
  };
}
