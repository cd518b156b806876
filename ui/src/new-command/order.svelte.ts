/** A command or a workflow as it is being put together: the site, what was chosen, and what the program says of it. */
import { type Backend, problemOf } from '../backend/backend';
import type { CommandArgument } from '../backend/wire/CommandArgument';
import type { CommandCall } from '../backend/wire/CommandCall';
import type { CommandDraft } from '../backend/wire/CommandDraft';
import type { CommandSite } from '../backend/wire/CommandSite';
import type { Problem } from '../backend/wire/Problem';
import type { SiteCommand } from '../backend/wire/SiteCommand';
import type { Workflow } from '../backend/wire/Workflow';

/** Long enough for somebody who types, short enough not to be felt. */
const PAUSE_MS = 200;

/** One command with what was filled in, looked at by the program after every change. */
export class Filling {
  /** Values by the argument's name; a flag that is given has one that is empty. */
  values: Record<string, string[]> = $state({});
  dry = $state(false);
  draft: CommandDraft | null = $state.raw(null);
  problem: Problem | null = $state.raw(null);
  /** Arguments that a person has been at: only those are told to be wrong before a launch was tried. */
  touched: Record<string, boolean> = $state({});
  tried = $state(false);
  private asked = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly backend: Backend,
    readonly site: string,
    readonly command: SiteCommand,
    like: CommandCall | null = null,
  ) {
    for (const argument of command.arguments) {
      const given = like?.arguments[argument.name];
      if (argument.kind === 'flag') this.values[argument.name] = given || argument.required ? [''] : [];
      else this.values[argument.name] = given && given.length > 0 ? [...given] : [''];
    }
    this.dry = like?.dry_run ?? false;
    void this.look();
  }

  get call(): CommandCall {
    const given: [string, string[]][] = this.command.arguments.flatMap((argument) => {
      const values = this.values[argument.name] ?? [];
      if (argument.kind === 'flag') return values.length > 0 ? [[argument.name, []]] : [];
      const filled = values.filter((value) => value !== '');
      return filled.length > 0 ? [[argument.name, filled]] : [];
    });
    return { command: this.command.id, arguments: Object.fromEntries(given), dry_run: this.dry };
  }

  /** What is wrong with an argument, once it may be said. */
  wrong(argument: CommandArgument): string | null {
    if (!this.tried && !this.touched[argument.name]) return null;
    const found = this.draft?.problems.find((one) => one.context['argument'] === argument.name);
    return found ? said(found, this.command) : null;
  }

  get ready(): boolean {
    return this.draft !== null && this.draft.problems.length === 0 && this.problem === null;
  }

  set(argument: CommandArgument, at: number, value: string): void {
    const values = [...(this.values[argument.name] ?? [])];
    values[at] = value;
    this.values[argument.name] = values;
    this.relook();
  }

  setFlag(argument: CommandArgument, on: boolean): void {
    this.values[argument.name] = on ? [''] : [];
    this.relook();
  }

  more(argument: CommandArgument): void {
    this.values[argument.name] = [...(this.values[argument.name] ?? []), ''];
  }

  less(argument: CommandArgument, at: number): void {
    this.values[argument.name] = (this.values[argument.name] ?? []).filter((_, index) => index !== at);
    this.relook();
  }

  relook(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.look(), PAUSE_MS);
  }

  async look(): Promise<void> {
    clearTimeout(this.timer);
    const asked = (this.asked += 1);
    try {
      const draft = await this.backend.draftCommand(this.site, this.call);
      if (asked !== this.asked) return;
      this.draft = draft;
      this.problem = null;
    } catch (refused) {
      if (asked === this.asked) this.problem = problemOf(refused);
    }
  }
}

/** The reason alone: beside its field, nobody needs to be told which command it is. */
export function said(problem: Problem, command: SiteCommand): string {
  const begin = `${command.id} cannot be run: `;
  return problem.message.startsWith(begin) ? problem.message.slice(begin.length) : problem.message;
}

/** A command in a workflow; the number stays with it when it is moved. */
export interface Place {
  key: number;
  filling: Filling;
}

export class Order {
  source = $state('');
  site: CommandSite | null = $state.raw(null);
  problem: Problem | null = $state.raw(null);
  looking = $state(false);
  /** Workflows that are kept for the site. */
  workflows: Workflow[] = $state.raw([]);

  page: 'list' | 'form' | 'workflow' = $state('list');
  filling: Filling | null = $state.raw(null);
  /** The workflow that is being built, while one is. */
  places: Place[] = $state.raw([]);
  building = $state(false);
  /** The place of the workflow that the form changes; a new one when none. */
  changing: number | null = $state(null);
  title = $state('');
  dryFirst = $state(true);
  /** Name under which the workflow was kept when it was opened. */
  kept: string | null = $state(null);

  private looked = 0;
  private made = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly backend: Backend) {}

  look(source: string, now = false): void {
    this.source = source;
    this.site = null;
    this.problem = null;
    clearTimeout(this.timer);
    const path = source.trim();
    const asked = (this.looked += 1);
    this.looking = path !== '';
    if (path) this.timer = setTimeout(() => void this.inspect(path, asked), now ? 0 : PAUSE_MS);
  }

  private async inspect(path: string, asked: number): Promise<void> {
    try {
      const site = await this.backend.commandSite(path);
      const workflows = await this.backend.workflows(site.path);
      if (asked !== this.looked) return;
      this.site = site;
      this.workflows = workflows;
    } catch (refused) {
      if (asked === this.looked) this.problem = problemOf(refused);
    } finally {
      if (asked === this.looked) this.looking = false;
    }
  }

  command(id: string): SiteCommand | undefined {
    return this.site?.commands.find((one) => one.id === id);
  }

  /** Opens the form of a command, for itself or for the workflow. */
  choose(command: SiteCommand, like: CommandCall | null = null): void {
    if (!this.site) return;
    this.filling = new Filling(this.backend, this.site.path, command, like);
    this.page = 'form';
  }

  build(workflow: Workflow | null): void {
    if (!this.site) return;
    const { path } = this.site;
    this.places = (workflow?.calls ?? []).flatMap((call) => {
      const command = this.command(call.command);
      return command ? [this.place(new Filling(this.backend, path, command, call))] : [];
    });
    this.title = workflow?.title ?? '';
    this.kept = workflow?.title ?? null;
    this.dryFirst = workflow?.dry_run_first ?? true;
    this.building = true;
    this.page = 'workflow';
  }

  private place(filling: Filling): Place {
    this.made += 1;
    return { key: this.made, filling };
  }

  /** Takes the form into the workflow. */
  use(): void {
    const { filling, changing } = this;
    if (!filling) return;
    this.places =
      changing === null
        ? [...this.places, this.place(filling)]
        : this.places.map((place) => (place.key === changing ? { ...place, filling } : place));
    this.changing = null;
    this.filling = null;
    this.page = 'workflow';
  }

  change(place: Place): void {
    this.changing = place.key;
    this.choose(place.filling.command, place.filling.call);
  }

  remove(place: Place): void {
    this.places = this.places.filter((one) => one !== place);
  }

  /** Moves a place to another position. */
  move(key: number, to: number): void {
    const from = this.places.findIndex((one) => one.key === key);
    const place = this.places[from];
    if (!place || to < 0 || to >= this.places.length || to === from) return;
    const rest = this.places.filter((one) => one.key !== key);
    this.places = [...rest.slice(0, to), place, ...rest.slice(to)];
  }

  get workflow(): Workflow {
    return {
      title: this.title.trim(),
      calls: this.places.map((place) => place.filling.call),
      dry_run_first: this.dryFirst,
    };
  }

  /** One page back; whether there was one. */
  back(): boolean {
    if (this.page === 'form') {
      this.page = this.building && this.changing !== null ? 'workflow' : 'list';
      this.changing = null;
      this.filling = null;
      return true;
    }
    if (this.page === 'list' && this.building) {
      this.page = 'workflow';
      return true;
    }
    if (this.page === 'workflow') {
      this.building = false;
      this.page = 'list';
      return true;
    }
    return false;
  }

  async reload(): Promise<void> {
    if (this.site) this.workflows = await this.backend.workflows(this.site.path);
  }
}
