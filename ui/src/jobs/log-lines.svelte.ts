/** Lines of a log, loaded by number as they are seen; only what was seen of late is kept. */
import { type Backend, problemOf } from '../backend/backend';
import type { LogLine } from '../backend/wire/LogLine';
import type { Problem } from '../backend/wire/Problem';

const CHUNK = 200;
const KEPT = 60;
/** A log that grows is read at most this often. */
const PAUSE_MS = 150;

export class LogLines {
  /** Lines that there are to be seen. A log that grows gets longer when its new lines are here, so that its end never stands empty. */
  total = $state(0);
  problem: Problem | null = $state.raw(null);
  loaded = $state(false);
  /** Counts up when lines came in. */
  private arrived = $state(0);
  /** How many lines the program says there are. */
  private told = 0;
  private growing = false;
  private readonly chunks = new Map<number, LogLine[]>();
  private readonly asked = new Set<number>();

  constructor(
    private readonly backend: Backend,
    private readonly id: string,
  ) {
    void this.refresh();
  }

  /** The program says how many lines there are by now. */
  grow(told: number): void {
    if (told <= this.told) return;
    this.told = told;
    void this.readOn();
  }

  /** Asks how many lines there are now: for a log that grows without being told of. */
  async refresh(): Promise<void> {
    await this.load(chunkOf(this.told));
    await this.readOn();
  }

  /** Reads the end of the log until it is what was told, one page after the other. */
  private async readOn(): Promise<void> {
    if (this.growing) return;
    this.growing = true;
    while (this.problem === null && this.total < this.told) {
      const end = chunkOf(this.told - 1);
      const before = this.total;
      await this.load(end);
      if (this.total === before) break;
      if (this.total < this.told) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    this.growing = false;
  }

  at(n: number): LogLine | undefined {
    void this.arrived;
    return this.chunks.get(chunkOf(n))?.[n % CHUNK];
  }

  /** Sees to it that these lines are there, or come. */
  need(first: number, end: number): void {
    void this.arrived;
    // After a failure it is asked again when the job changes, not over and over.
    if (this.problem !== null) return;
    for (let chunk = chunkOf(first); chunk * CHUNK < end; chunk += 1) {
      const has = this.chunks.get(chunk)?.length ?? 0;
      if (has < Math.min(CHUNK, this.total - chunk * CHUNK)) void this.load(chunk);
    }
  }

  private async load(chunk: number): Promise<void> {
    if (this.asked.has(chunk)) return;
    this.asked.add(chunk);
    const known = this.chunks.get(chunk) ?? [];
    try {
      const page = await this.backend.logPage(this.id, chunk * CHUNK + known.length, CHUNK - known.length);
      const lines = [...known, ...page.lines];
      this.keep(chunk, lines);
      this.told = Math.max(this.told, page.total);
      this.total = Math.max(this.total, Math.min(this.told, chunk * CHUNK + lines.length));
      this.problem = null;
      // The first page of a long log says how long it is; its end comes next.
      this.loaded ||= this.total === this.told || chunk > 0;
    } catch (refused) {
      this.problem = problemOf(refused);
    } finally {
      this.asked.delete(chunk);
      this.arrived += 1;
    }
  }

  private keep(chunk: number, lines: LogLine[]): void {
    this.chunks.delete(chunk);
    this.chunks.set(chunk, lines);
    for (const old of [...this.chunks.keys()].slice(0, Math.max(0, this.chunks.size - KEPT))) this.chunks.delete(old);
  }

  /** The last lines as they are, for the clipboard. */
  async tail(most: number): Promise<LogLine[]> {
    const from = Math.max(0, this.told - most);
    return (await this.backend.logPage(this.id, from, this.told - from)).lines;
  }
}

function chunkOf(line: number): number {
  return Math.floor(line / CHUNK);
}
