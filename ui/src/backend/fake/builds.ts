/** What the fake program answers about builds, previews and the cache. */
import type { BuildReport } from '../wire/BuildReport';
import type { JobView } from '../wire/JobView';
import type { Preview } from '../wire/Preview';
import { problem } from './make';

export function inspect(path: string): BuildReport {
  const name = path.split('/').pop() ?? '';
  if (!path.startsWith('/'))
    throw problem(
      'build.source',
      `${path} cannot be built: No such file or directory.`,
      'Give a folder or an archive.',
      {},
      false,
    );
  if (path.includes('empty'))
    throw problem(
      'project.unknown',
      `${path} holds neither a package.json nor an index.html.`,
      'Give the folder or archive of a front-end project.',
      {},
      false,
    );
  if (/\/(sites|www)\//.test(path))
    throw problem('project.unknown', `${path} holds neither a package.json nor an index.html.`, '', {}, false);
  const archive = /\.(zip|tar|tgz|tar\.gz|tar\.zst)$/.test(name);
  const report: BuildReport = {
    ...{ path, archive, bytes: archive ? 3_180_442 : 0, folder: '', framework: '', manager: null, lock: null },
    ...{ has_types: false, can_build: false, remarks: [], memory: 536_870_912 },
    usual: { deadline_seconds: 7200, stall_seconds: 600 },
  };
  if (archive) return report;
  const locked = !path.includes('unlocked');
  return {
    ...report,
    ...{ folder: path, framework: 'Vite', manager: 'npm', lock: locked ? 'package-lock.json' : null },
    ...{ has_types: true, can_build: true },
    remarks: locked ? [] : ['It has no lock file: the newest fitting packages are installed, and two builds can differ.'],
  };
}

/** The servers of the machine: one for every finished job that shows something, until it is stopped. */
export class Servers {
  private readonly stopped = new Set<string>();
  private readonly since = Date.now();

  list(jobs: Iterable<JobView>): Preview[] {
    return [...jobs]
      .filter((job) => job.state === 'completed' && job.result?.url && !this.stopped.has(job.id))
      .map((job) => this.of(job));
  }

  of(job: JobView): Preview {
    const url = job.result?.url ?? '';
    return {
      ...{ job: job.id, kind: job.kind, title: job.title.replace(/^Build /, ''), url, stays: job.kind === 'clone' },
      port: Number(/:(\d+)/.exec(url.replace(/^https?:/, ''))?.[1] ?? 80),
      folder: job.result?.folder ?? '',
      log: `/home/ada/.local/share/clonedeck/previews/${job.id}.log`,
      memory: job.kind === 'build' ? 184_200_000 : 41_800_000,
      cpu_ms: 9400 + Math.floor((Date.now() - this.since) * (job.kind === 'build' ? 0.04 : 0.01)),
    };
  }

  stop(id: string): void {
    this.stopped.add(id);
  }

  start(job: JobView): Preview {
    this.stopped.delete(job.id);
    return this.of(job);
  }
}
