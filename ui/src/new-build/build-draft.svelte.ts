/** A build as it is being put together. */
import { type Backend, problemOf } from '../backend/backend';
import type { BuildReport } from '../backend/wire/BuildReport';
import type { BuildRequest } from '../backend/wire/BuildRequest';
import type { Problem } from '../backend/wire/Problem';

const PAUSE_MS = 250;

export class BuildDraft {
  source = $state('');
  report: BuildReport | null = $state.raw(null);
  problem: Problem | null = $state.raw(null);
  looking = $state(false);
  check = $state(true);
  build = $state(false);
  preview = $state(true);
  stays = $state(false);
  ports: [number, number] = $state.raw([4300, 4499]);
  private usual: [number, number] = [4300, 4499];
  private looked = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly backend: Backend) {
    backend.settings().then(
      ({ port_from, port_to }) => {
        this.usual = [port_from, port_to];
        this.ports = this.usual;
      },
      () => undefined,
    );
  }

  get portsFit(): boolean {
    const [from, to] = this.ports;
    return Number.isInteger(from) && Number.isInteger(to) && from >= 1024 && to <= 65_535 && from <= to;
  }

  get ready(): boolean {
    return this.report !== null && (!this.preview || this.portsFit);
  }

  get request(): BuildRequest {
    const chosen = this.ports[0] !== this.usual[0] || this.ports[1] !== this.usual[1];
    return {
      source: this.report?.path ?? this.source.trim(),
      type_check: this.check,
      build: this.build,
      preview: this.preview,
      stays: this.preview && this.stays,
      ports: this.preview && chosen ? this.ports : null,
      priority: 0,
    };
  }

  look(source: string, now = false): void {
    this.source = source;
    this.report = null;
    this.problem = null;
    clearTimeout(this.timer);
    const path = source.trim();
    const asked = (this.looked += 1);
    this.looking = path !== '';
    if (path) this.timer = setTimeout(() => void this.inspect(path, asked), now ? 0 : PAUSE_MS);
  }

  private async inspect(path: string, asked: number): Promise<void> {
    try {
      const report = await this.backend.inspectBuild(path);
      if (asked === this.looked) this.report = report;
    } catch (refused) {
      if (asked === this.looked) this.problem = problemOf(refused);
    } finally {
      if (asked === this.looked) this.looking = false;
    }
  }
}
