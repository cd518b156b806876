/** Where the calls of a command or workflow stand: loaded with its job, and again while it runs. */
import type { Backend } from '../backend/backend';
import type { CommandStanding } from '../backend/wire/CommandStanding';

const EVERY_MS = 1000;

export class Standings {
  list: CommandStanding[] = $state.raw([]);

  constructor(
    private readonly backend: Backend,
    private readonly job: string,
  ) {}

  async load(): Promise<void> {
    try {
      this.list = await this.backend.commandStanding(this.job);
    } catch {
      // The page already says what is wrong with the job; the command is told as long as it is known.
    }
  }

  /** Loads now and every second while the job moves; gives back how to stop. */
  follow(moving: boolean): () => void {
    void this.load();
    if (!moving) return () => undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void this.load();
    }, EVERY_MS);
    return () => clearInterval(timer);
  }
}
