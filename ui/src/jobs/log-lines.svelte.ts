/** Lines of a log, loaded by number as they are seen; only what was seen of late is kept. */
import { type Backend, problemOf } from '../backend/backend';
import type { LogLine } from '../backend/wire/LogLine';
import type { Problem } from '../backend/wire/Problem';

const CHUNK = 200;
const KEPT = 60;
/** A log that grows is read at most this often. */
const PAUSE_MS = 300;

export class LogLines {
  total = $state(0);
  problem: Problem | null = $state.raw(null);
  loaded = $state(false);
  /** Counts up when lines came in. */
  private arrived = $state(0);
  private readonly chunks = new Map<number, LogLine[]>();
  private readonly asked = new Set<number>();
  private readonly readAt = new Map<number, number>();

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
    void this.arrived;
    return this.chunks.get(Math.floor(n / CHUNK))?.[n % CHUNK];
  }

  /** Sees to it that these lines are there, or come. */
  need(first: number, end: number): void {
    void this.arrived;
    // After a failure it is asked again when the job changes, not over and over.
    if (this.problem !== null) return;
    for (let chunk = Math.floor(first / CHUNK); chunk * CHUNK < end; chunk += 1) {
      const has = this.chunks.get(chunk)?.length ?? 0;
      if (has < Math.min(CHUNK, this.total - chunk * CHUNK)) void this.load(chunk);
    }
  }

  private async load(chunk: number): Promise<void> {
    if (this.asked.has(chunk)) return;
    this.asked.add(chunk);
    const known = this.chunks.get(chunk) ?? [];
    const pause = known.length ? (this.readAt.get(chunk) ?? 0) + PAUSE_MS - performance.now() : 0;
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    try {
      const page = await this.backend.logPage(this.id, chunk * CHUNK + known.length, CHUNK - known.length);
      this.keep(chunk, [...known, ...page.lines]);
      this.total = Math.max(this.total, page.total);
      this.problem = null;
      this.loaded = true;
    } catch (refused) {
      this.problem = problemOf(refused);
    } finally {
      this.readAt.set(chunk, performance.now());
      this.asked.delete(chunk);
      this.arrived += 1;
    }
  }

  private keep(chunk: number, lines: LogLine[]): void {
    this.chunks.delete(chunk);
    this.chunks.set(chunk, lines);
    for (const old of [...this.chunks.keys()].slice(0, Math.max(0, this.chunks.size - KEPT))) {
      this.chunks.delete(old);
      this.readAt.delete(old);
    }
  }

  /** Asks how many lines there are now: for a log that grows without being told of. */
  async refresh(): Promise<void> {
    await this.load(Math.floor(this.total / CHUNK));
  }

  /** The last lines as they are, for the clipboard. */
  async tail(most: number): Promise<LogLine[]> {
    const from = Math.max(0, this.total - most);
    return (await this.backend.logPage(this.id, from, this.total - from)).lines;
  }
}
