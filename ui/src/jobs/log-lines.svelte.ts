/** Lines of a log, loaded by number as they are seen; only what was seen of late is kept. */
import { type Backend, problemOf } from '../backend/backend';
import type { LogLine } from '../backend/wire/LogLine';
import type { Problem } from '../backend/wire/Problem';

const CHUNK = 200;
const KEPT = 60;

export class LogLines {
  total = $state(0);
  /** Counts up when lines came in. */
  arrived = $state(0);
  problem: Problem | null = $state.raw(null);
  loaded = $state(false);
  private readonly chunks = new Map<number, LogLine[]>();
  private readonly asked = new Set<number>();

  constructor(
    private readonly backend: Backend,
    private readonly id: string,
  ) {
    void this.load(0);
  }

  /** The program says how many lines there are by now. */
  grow(total: number): void {
    if (total > this.total) this.total = total;
  }

  at(n: number): LogLine | undefined {
    return this.chunks.get(Math.floor(n / CHUNK))?.[n % CHUNK];
  }

  /** Sees to it that these lines are there, or come. */
  need(first: number, end: number): void {
    for (let chunk = Math.floor(first / CHUNK); chunk * CHUNK < end; chunk += 1) {
      const has = this.chunks.get(chunk)?.length ?? 0;
      const should = Math.min(CHUNK, this.total - chunk * CHUNK);
      if (has < should) void this.load(chunk);
    }
  }

  private async load(chunk: number): Promise<void> {
    if (this.asked.has(chunk)) return;
    this.asked.add(chunk);
    try {
      const page = await this.backend.logPage(this.id, chunk * CHUNK, CHUNK);
      this.chunks.delete(chunk);
      this.chunks.set(chunk, page.lines);
      for (const old of [...this.chunks.keys()].slice(0, Math.max(0, this.chunks.size - KEPT))) this.chunks.delete(old);
      this.total = Math.max(this.total, page.total);
      this.problem = null;
      this.loaded = true;
      this.arrived += 1;
    } catch (refused) {
      this.problem = problemOf(refused);
    } finally {
      this.asked.delete(chunk);
    }
  }

  /** Asks how many lines there are now: for a log that grows without being told of. */
  async refresh(): Promise<void> {
    const last = Math.max(0, this.total - 1);
    this.asked.delete(Math.floor(last / CHUNK));
    await this.load(Math.floor(last / CHUNK));
  }

  /** The last lines as they are, for the clipboard. */
  async tail(most: number): Promise<LogLine[]> {
    const from = Math.max(0, this.total - most);
    return (await this.backend.logPage(this.id, from, this.total - from)).lines;
  }
}
