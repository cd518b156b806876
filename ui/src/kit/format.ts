/** Numbers, sizes and times for people: in the system's language, with units, never more exact than it helps. */
import type { Eta } from '../backend/wire/Eta';

/** The first of these that names a language; `C`, which a bare Linux session calls its language, names none. */
export function localeOf(languages: readonly (string | undefined)[]): string {
  for (const language of languages) {
    try {
      if (language && Intl.NumberFormat.supportedLocalesOf(language).length > 0) return language;
    } catch {
      // Not even a tag.
    }
  }
  return 'en';
}

const locale = typeof navigator === 'undefined' ? 'en' : localeOf([navigator.language, ...navigator.languages]);

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const clockTime = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
const secondsTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const shortDay = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
const longDay = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', year: 'numeric' });
const month = new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric' });
const full = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium' });

/** `1,204,551` */
export function count(value: number): string {
  return whole.format(value);
}

/** `62 %`; never 100 before the end is reached, never 0 once something is done. */
export function percent(value: number): string {
  const rounded = value >= 100 ? 100 : Math.min(99, Math.floor(value));
  return `${whole.format(Math.max(rounded, value > 0 ? Math.min(1, Math.ceil(value)) : 0))} %`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `1.7 GB`: powers of a thousand, as file managers count. */
export function bytes(value: number): string {
  let size = value;
  let unit = 0;
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const text = unit === 0 || size >= 99.5 ? whole.format(size) : tenth.format(size);
  return `${text} ${UNITS[unit]}`;
}

/** Units of steps, where there is one of them. */
const SINGLE: Record<string, string> = { files: 'file', rows: 'row', tables: 'table', items: 'item' };

/** An amount in its unit: `11.2 GB`, `812,400 rows`, `1 file`. */
export function amount(value: number, unit: string): string {
  if (unit === 'bytes') return bytes(value);
  const named = value === 1 ? (SINGLE[unit] ?? unit) : unit;
  return named ? `${count(value)} ${named}` : count(value);
}

/** `812,400 of 1,204,551 rows`, `11.2 of 48 GB`. */
export function amountOf(done: number, total: number, unit: string): string {
  if (total <= 0) return done > 0 ? amount(done, unit) : '';
  if (unit !== 'bytes') return `${count(done)} of ${count(total)}${unit ? ` ${unit}` : ''}`;
  const [doneText, doneUnit] = split(bytes(done));
  const [totalText, totalUnit] = split(bytes(total));
  return doneUnit === totalUnit ? `${doneText} of ${totalText} ${totalUnit}` : `${bytes(done)} of ${bytes(total)}`;
}

function split(text: string): [string, string] {
  const at = text.lastIndexOf(' ');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** `41,200 rows/s`, `38 MB/s`; empty while not known. */
export function rate(value: number, unit: string): string {
  if (!(value > 0)) return '';
  if (unit === 'bytes') return `${bytes(value)}/s`;
  const text = value < 10 ? tenth.format(value) : count(value);
  return `${text} ${unit || 'items'}/s`;
}

/** `< 0.1 s`, `0.1 s` under ten seconds, `42 s` under a minute, then `3:12`, `1:02:09`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (ms > 0 && seconds < 0.05) return `< ${tenth.format(0.1)} s`;
  if (seconds < 9.95) return `${tenth.format(seconds)} s`;
  if (seconds < 59.5) return `${whole.format(seconds)} s`;
  return clock(ms);
}

/** `0:12`, `3:12`, `1:02:09`: for what counts up or down. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const rest = `${String(Math.floor(seconds / 60) % 60).padStart(seconds >= 3600 ? 2 : 1, '0')}:${String(seconds % 60).padStart(2, '0')}`;
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)}:${rest}` : rest;
}

/** `2–3 min`, `about 40 s`, `1–2 h`; none when nothing is known. */
export function eta(range: Eta | null): string | null {
  if (!range || !Number.isFinite(range.high)) return null;
  const [unit, size] =
    range.high < 90 ? ['s', 1] : range.high < 5400 ? ['min', 60] : range.high < 172_800 ? ['h', 3600] : ['days', 86_400];
  const step = unit === 's' ? 5 : 1;
  const low = Math.max(unit === 's' ? 1 : 0, Math.floor(range.low / size / step) * step);
  const high = Math.max(1, Math.ceil(range.high / size / step) * step);
  if (low >= high) return `about ${high} ${unit}`;
  return low === 0 ? `under ${high} ${unit}` : `${low}–${high} ${unit}`;
}

/** `just now`, `4 min ago`, `09:12`, `12 Nov`: for what has happened. */
export function ago(at: string, now: number): string {
  const time = Date.parse(at);
  if (!Number.isFinite(time)) return '';
  const seconds = (now - time) / 1000;
  if (seconds < 45) return 'just now';
  if (seconds < 3570) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (startOfDay(time) === startOfDay(now)) return clockTime.format(time);
  if (startOfDay(now) - startOfDay(time) <= 90_000_000) return `yesterday ${clockTime.format(time)}`;
  return new Date(time).getFullYear() === new Date(now).getFullYear() ? shortDay.format(time) : longDay.format(time);
}

/** `09:41` today, with the day when it was another, and the day alone where there is little room. */
export function at(time: string, now: number, brief = false): string {
  const value = Date.parse(time);
  if (!Number.isFinite(value)) return '';
  if (brief && startOfDay(value) !== startOfDay(now)) return shortDay.format(value);
  const text = clockTime.format(value);
  return startOfDay(value) === startOfDay(now) ? text : `${shortDay.format(value)}, ${text}`;
}

/** `09:41:07`, for logs. */
export function seconds(time: string): string {
  const value = Date.parse(time);
  return Number.isFinite(value) ? secondsTime.format(value) : '';
}

/** The exact time, for hovering. */
export function exact(time: string | null): string {
  const value = time ? Date.parse(time) : NaN;
  return Number.isFinite(value) ? full.format(value) : '';
}

/** Under which heading something that ended stands in the history. */
export function dayGroup(time: string, now: number): 'today' | 'yesterday' | 'week' | string {
  const value = Date.parse(time);
  const days = Math.round((startOfDay(now) - startOfDay(value)) / 86_400_000);
  if (days <= 0) return 'today';
  if (days === 1) return 'yesterday';
  if (days < 7) return 'week';
  return month.format(value);
}

function startOfDay(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

/** The last name of a path, with either kind of slash. */
export function baseName(path: string): string {
  return (
    path
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .pop() || path
  );
}

/** A sentence with the last name of each path in it, for where there is no room for the whole. */
export function briefly(sentence: string): string {
  return sentence.replace(/(^|[\s“"(])(?:~|[A-Z]:)?(?:[\\/][^\s\\/:,;]+)*[\\/]([^\s\\/:,;]+)/g, '$1$2');
}

/** `shop.example.com` of an address, with its port; what is no address stays as it is. */
export function host(address: string): string {
  return address.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').replace(/\/+$/, '') || address;
}

/** `~/sites/shop` for a path below the home folder. */
export function homely(path: string, home: string): string {
  return home && (path === home || path.startsWith(`${home}/`)) ? `~${path.slice(home.length)}` : path;
}

/** The home folder that a data folder lies in, where one can tell. */
export function homeOf(dataDir: string): string {
  return /^(\/home\/[^/]+|\/Users\/[^/]+|\/root)(?=\/)/.exec(dataDir)?.[1] ?? '';
}

/** A long path without its middle, so that its root and its last folders can be read: `/srv/customers/…/releases/current`. */
export function shortPath(path: string, most = 56): string {
  if (path.length <= most) return path;
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  const tail: string[] = [name.length > most / 2 ? `${name.slice(0, most / 4)}…${name.slice(-most / 4)}` : name];
  const head: string[] = [];
  const room = () => most - [...head, '…', ...tail].join('/').length;
  while (parts.length > 0) {
    const [first = '', last = ''] = [parts[0], parts.at(-1)];
    if (head.length <= tail.length && first.length < room()) head.push(parts.shift() ?? '');
    else if (last.length < room()) tail.unshift(parts.pop() ?? '');
    else break;
  }
  return parts.length > 0 ? [...head, '…', ...tail].join('/') : [...head, ...tail].join('/');
}
