/**
 * What the page may ask of the program: one interface with two implementations, the real one over Tauri and a fake for browsers and tests.
 * Every call answers at once; what takes time arrives as updates. A call that is refused rejects with a {@link Problem}.
 */
import type { About } from './wire/About';
import type { BuildReport } from './wire/BuildReport';
import type { BuildRequest } from './wire/BuildRequest';
import type { CacheUse } from './wire/CacheUse';
import type { CloneDefaults } from './wire/CloneDefaults';
import type { ClonePasswords } from './wire/ClonePasswords';
import type { ClonePlan } from './wire/ClonePlan';
import type { CloneRequest } from './wire/CloneRequest';
import type { CommandCall } from './wire/CommandCall';
import type { CommandDraft } from './wire/CommandDraft';
import type { CommandSite } from './wire/CommandSite';
import type { CommandStanding } from './wire/CommandStanding';
import type { DoctorFinding } from './wire/DoctorFinding';
import type { FolderPage } from './wire/FolderPage';
import type { JobFilter } from './wire/JobFilter';
import type { JobLimits } from './wire/JobLimits';
import type { JobPage } from './wire/JobPage';
import type { JobSecrets } from './wire/JobSecrets';
import type { JobView } from './wire/JobView';
import type { LaunchedBatch } from './wire/LaunchedBatch';
import type { LogPage } from './wire/LogPage';
import type { NewCommand } from './wire/NewCommand';
import type { Notice } from './wire/Notice';
import type { OwnCommands } from './wire/OwnCommands';
import type { Preview } from './wire/Preview';
import type { Problem } from './wire/Problem';
import type { Receipt } from './wire/Receipt';
import type { Settings } from './wire/Settings';
import type { SiteReport } from './wire/SiteReport';
import type { SiteSeen } from './wire/SiteSeen';
import type { Snapshot } from './wire/Snapshot';
import type { Steer } from './wire/Steer';
import type { Update } from './wire/Update';
import type { Workflow } from './wire/Workflow';

/** A folder dragged over the window. */
export type Drop = { phase: 'over' } | { phase: 'left' } | { phase: 'dropped'; paths: string[] };

/** What a person asked for that needs a word first. */
export type Leave = 'close' | 'quit';

export interface Backend {
  about(): Promise<About>;
  /** Tries again to open the queue. */
  openAgain(): Promise<void>;
  snapshot(): Promise<Snapshot>;
  /** Sends what happens after `after`, at most ten times a second, until the page goes. */
  follow(onUpdate: (update: Update) => void, after: number): Promise<void>;
  /** A hidden page is sent no progress. */
  setVisible(visible: boolean): Promise<void>;
  /** The job a person is looking at; they need no notification of it. */
  setLooking(job: string | null): Promise<void>;

  jobsPage(filter: JobFilter, after: string | null, limit: number): Promise<JobPage>;
  job(id: string): Promise<JobView>;
  logPage(id: string, from: number, count: number): Promise<LogPage>;
  /** The next line that holds the text, from a line on, in either direction. */
  logSearch(id: string, text: string, from: number, backwards: boolean): Promise<number | null>;

  /** One problem for each job that could not be steered so. */
  steer(ids: string[], action: Steer): Promise<Problem[]>;
  pauseQueue(): Promise<void>;
  resumeQueue(): Promise<void>;

  /** What is there; of the request only what is said of the source counts. */
  inspect(request: CloneRequest, passwords: ClonePasswords): Promise<SiteReport>;
  /** What a folder of the source holds; empty is the source itself. */
  folderPage(request: CloneRequest, passwords: ClonePasswords, folder: string): Promise<FolderPage>;
  cloneDefaults(source: string): Promise<CloneDefaults>;
  planClone(request: CloneRequest, passwords: ClonePasswords): Promise<ClonePlan>;
  launchClone(request: CloneRequest, passwords: ClonePasswords): Promise<string>;
  /** All of them as one batch, or none; a problem says in its context which `request` it speaks of. */
  launchClones(title: string, requests: [CloneRequest, ClonePasswords][]): Promise<LaunchedBatch>;
  launchDemo(): Promise<string>;

  /** A site with the commands that fit it. */
  commandSite(path: string): Promise<CommandSite>;
  /** What a call would run, and what is wrong with it; runs nothing. */
  draftCommand(site: string, call: CommandCall): Promise<CommandDraft>;
  /** `confirm` is the name of the site as the person typed it, for a command that destroys. */
  launchCommand(site: string, call: CommandCall, confirm: string | null, limits: JobLimits | null): Promise<string>;
  /** The calls of a command or workflow, and where each stands; none for other jobs. */
  commandStanding(id: string): Promise<CommandStanding[]>;
  workflows(site: string): Promise<Workflow[]>;
  /** One of the same title is replaced. */
  saveWorkflow(site: string, workflow: Workflow): Promise<void>;
  removeWorkflow(site: string, title: string): Promise<boolean>;
  launchWorkflow(site: string, workflow: Workflow, confirm: string | null, limits: JobLimits | null): Promise<string>;
  /** What the operator has added to the list of allowed commands. */
  ownCommands(): Promise<OwnCommands>;
  addOwnCommand(command: NewCommand): Promise<string>;
  removeOwnCommand(id: string): Promise<boolean>;

  /** What is known of a project before it is built. */
  inspectBuild(path: string): Promise<BuildReport>;
  launchBuild(request: BuildRequest): Promise<string>;
  buildCache(): Promise<CacheUse>;
  /** Empties it, and says what it took. */
  clearBuildCache(): Promise<CacheUse>;
  /** The servers of this machine that show copies and builds. */
  previews(): Promise<Preview[]>;
  startPreview(job: string): Promise<Preview>;
  stopPreview(job: string): Promise<void>;
  restartPreview(job: string): Promise<Preview>;
  openPreviewLog(job: string): Promise<void>;

  receipt(id: string): Promise<Receipt>;
  /** Writes the receipt to a file and gives its path. */
  receiptSave(id: string, format: 'json' | 'html'): Promise<string>;
  secrets(id: string): Promise<JobSecrets>;
  openCopy(id: string): Promise<void>;
  openFolder(id: string): Promise<void>;
  openLog(id: string): Promise<void>;
  /** What was undone, a line each. */
  liftNeutralisation(id: string): Promise<string[]>;
  /** What deleting the copy removes, a line each. */
  deleteCopyPlan(id: string): Promise<string[]>;
  /** Deletes the copy; `confirm` is the name of its folder as the person typed it. */
  deleteCopy(id: string, confirm: string): Promise<void>;

  recentSites(): Promise<SiteSeen[]>;
  pickFolder(title: string): Promise<string | null>;
  pickArchive(title: string): Promise<string | null>;
  settings(): Promise<Settings>;
  saveSettings(settings: Settings): Promise<void>;
  doctor(): Promise<DoctorFinding[]>;
  notices(): Promise<Notice[]>;
  noticesRead(): Promise<void>;
  /** Hides the window; the queue goes on in the tray. */
  hide(): Promise<void>;
  /** Closes the window as its cross does. */
  askClose(): Promise<void>;
  /** Ends the program when nothing runs; else asks first, as {@link onLeaveAsked} tells. */
  askQuit(): Promise<void>;
  /** Ends the program at a safe point; what runs goes on from its checkpoint at the next start. */
  quit(): Promise<void>;

  onDrop(handler: (drop: Drop) => void): void;
  /** The window is to be closed where it could not be brought back from a tray, or the program to end while jobs run. */
  onLeaveAsked(handler: (leave: Leave) => void): void;
}

/** Whatever was thrown, as a problem that can be shown. */
export function problemOf(thrown: unknown): Problem {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'message' in thrown) {
    const { code, message, help, context, retryable } = thrown as Partial<Problem>;
    return {
      code: String(code),
      message: String(message),
      help: help ?? '',
      context: context ?? {},
      retryable: retryable ?? false,
    };
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: 'window', message, help: '', context: {}, retryable: false };
}
