/** What was asked for, read out of a job's spec with care: each kind of job has a spec of its own. */
import { spell, spellSize } from '../kit/limits.svelte';
import { limits as w } from '../words/limits';

/** What was asked of a clone. */
export interface CloneSpec {
  url: string | null;
  db: string | null;
  source_db: string | null;
  source_url: string | null;
  skip: string[];
  exclude: string[];
  replace: boolean;
  keep_guids: boolean;
  open_egress: boolean;
  neutralise_off: string[];
  allow_unreadable: boolean;
  /** Every file is compared byte for byte. */
  full: boolean;
}

export function cloneSpec(spec: unknown): CloneSpec {
  const found: Record<string, unknown> = typeof spec === 'object' && spec !== null ? { ...spec } : {};
  const text = (name: string) => (typeof found[name] === 'string' && found[name] ? found[name] : null);
  const list = (name: string) =>
    Array.isArray(found[name]) ? found[name].filter((item): item is string => typeof item === 'string') : [];
  return {
    url: text('url'),
    db: text('db'),
    source_db: text('source_db'),
    source_url: text('source_url'),
    skip: list('skip'),
    exclude: list('exclude'),
    replace: found['replace'] === true,
    keep_guids: found['keep_guids'] === true,
    open_egress: found['open_egress'] === true,
    neutralise_off: list('neutralise_off'),
    allow_unreadable: found['allow_unreadable'] === true,
    full: found['verify_all'] === true,
  };
}

/** The limits that its programs were given, in words; empty when there are none. */
export function limitsOf(spec: unknown): string {
  const { bounds } = (spec ?? {}) as { bounds?: Record<string, unknown> };
  const said = (name: string, spelled: (value: number) => string) => {
    const value = bounds?.[name];
    return typeof value === 'number' ? spelled(value) : '';
  };
  return [
    said('memory', (size) => w.kept.memory(spellSize(size))),
    said('cpu', (processors) => w.kept.cpu(String(processors))),
    said('deadline_seconds', (time) => w.kept.deadline(spell(time))),
    said('stall_seconds', (time) => w.kept.stall(spell(time))),
  ]
    .filter(Boolean)
    .join(', ');
}
