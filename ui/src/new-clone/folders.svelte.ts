/** The folders of a source, loaded as they are opened, and what of them is left out: the patterns say it, nothing else does. */
import { problemOf } from '../backend/backend';
import type { FolderEntry } from '../backend/wire/FolderEntry';
import type { Problem } from '../backend/wire/Problem';
import type { Draft } from './draft.svelte';

export type Standing = 'in' | 'out' | 'part';

export class Branch {
  /** What it holds, once it was asked for; none for a file. */
  inside: Branch[] | null = $state.raw(null);
  more = $state.raw({ count: 0, bytes: 0 });
  open = $state(false);
  loading = $state(false);
  problem: Problem | null = $state.raw(null);

  constructor(
    readonly entry: FolderEntry,
    readonly above: Branch | null,
    readonly depth: number,
  ) {}
}

const ROOT: FolderEntry = { name: '', path: '', pattern: '/', folder: true, files: 0, bytes: 0, left_out: null };

export class Folders {
  readonly root = new Branch(ROOT, null, 0);
  /** Every branch that is in sight, in order. */
  readonly rows: Branch[] = $derived(inSight(this.root));

  constructor(private readonly draft: Draft) {
    void this.open(this.root);
  }

  /** Unfolds a folder; it is asked for once. */
  async open(branch: Branch): Promise<void> {
    if (!branch.entry.folder) return;
    branch.open = true;
    if (branch.inside || branch.loading) return;
    branch.loading = true;
    branch.problem = null;
    try {
      const { request, passwords } = this.draft.first;
      const page = await this.draft.backend.folderPage(request, passwords, branch.entry.path);
      branch.inside = page.entries.map((entry) => new Branch(entry, branch, branch.depth + 1));
      branch.more = { count: page.more, bytes: page.more_bytes };
    } catch (refused) {
      branch.problem = problemOf(refused);
    }
    branch.loading = false;
  }

  close(branch: Branch): void {
    branch.open = false;
  }

  /** Whether this is left out because of a folder above it. */
  isUnder(branch: Branch): boolean {
    for (let above = branch.above; above; above = above.above) if (this.isOutItself(above)) return true;
    return false;
  }

  standing(branch: Branch): Standing {
    if (this.isOutItself(branch) || this.isUnder(branch)) return 'out';
    const { pattern } = branch.entry;
    return this.draft.exclude.some((other) => other !== pattern && other.startsWith(pattern)) ? 'part' : 'in';
  }

  private isOutItself({ entry }: Branch): boolean {
    if (this.draft.exclude.includes(entry.pattern)) return true;
    return entry.left_out !== null && !this.draft.exclude.includes(`!${entry.pattern}`);
  }

  /** Takes in what is out, leaves out what is in; what is in by parts is taken in whole. */
  toggle(branch: Branch): void {
    if (this.isUnder(branch)) return;
    const { entry } = branch;
    const within = this.draft.exclude.filter((other) => other !== entry.pattern && other.startsWith(entry.pattern));
    switch (this.standing(branch)) {
      case 'part':
        this.draft.takeIn(within);
        break;
      case 'out':
        if (this.draft.exclude.includes(entry.pattern)) this.draft.takeIn([entry.pattern]);
        else this.draft.leaveOut([`!${entry.pattern}`]);
        break;
      case 'in':
        if (entry.left_out !== null) this.draft.takeIn([`!${entry.pattern}`]);
        else this.draft.leaveOut([entry.pattern]);
    }
  }
}

function inSight(branch: Branch): Branch[] {
  if (!branch.open) return [];
  return (branch.inside ?? []).flatMap((inner) => [inner, ...inSight(inner)]);
}
