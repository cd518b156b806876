/** The servers that show copies and builds, looked at while somebody looks at them. */
import { type Backend, problemOf } from '../backend/backend';
import type { Preview } from '../backend/wire/Preview';
import type { Problem } from '../backend/wire/Problem';

const EVERY_MS = 2000;

export interface Server {
  preview: Preview;
  running: boolean;
  /** Per cent of one processor since the last look; none before the second one. */
  cpu: number | null;
}

export class Watch {
  /** None until the first answer; one that was stopped stays, so that it can be started again. */
  servers: Server[] | null = $state.raw(null);
  problem: Problem | null = $state.raw(null);
  /** The job whose server is being stopped or started. */
  busy: string | null = $state(null);
  private last = new Map<string, { at: number; cpu: number }>();

  constructor(private readonly backend: Backend) {}

  of(job: string): Server | undefined {
    return this.servers?.find((server) => server.preview.job === job);
  }

  /** Looks now and every other second; gives back how to stop. */
  start(): () => void {
    void this.load();
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void this.load();
    }, EVERY_MS);
    return () => clearInterval(timer);
  }

  async load(now = Date.now()): Promise<void> {
    try {
      const found = await this.backend.previews();
      const running = found.map((preview) => ({ preview, running: true, cpu: this.share(preview, now) }));
      const known = new Set(found.map((preview) => preview.job));
      const stopped = (this.servers ?? [])
        .filter((server) => !known.has(server.preview.job))
        .map((server) => ({ ...server, running: false, cpu: null }));
      this.last = new Map(found.map((preview) => [preview.job, { at: now, cpu: preview.cpu_ms }]));
      this.servers = [...running, ...stopped].sort(
        (a, b) => a.preview.port - b.preview.port || a.preview.job.localeCompare(b.preview.job),
      );
      this.problem = null;
    } catch (refused) {
      this.problem = problemOf(refused);
    }
  }

  private share(preview: Preview, now: number): number | null {
    const before = this.last.get(preview.job);
    if (!before || now <= before.at || preview.cpu_ms < before.cpu) return null;
    return ((preview.cpu_ms - before.cpu) / (now - before.at)) * 100;
  }

  /** Stops, starts or restarts a server. */
  async act(job: string, what: 'stop' | 'start' | 'restart'): Promise<void> {
    this.busy = job;
    try {
      if (what === 'stop') await this.backend.stopPreview(job);
      else if (what === 'start') await this.backend.startPreview(job);
      else await this.backend.restartPreview(job);
    } finally {
      this.busy = null;
      await this.load();
    }
  }
}
