/** The folders of the fake sites: a WordPress of a certain age. */
import type { FolderEntry } from '../wire/FolderEntry';
import type { FolderPage } from '../wire/FolderPage';
import { problem } from './make';

type Size = [files: number, bytes: number];

const TOLD: Record<string, Record<string, Size | null>> = {
  '': {
    'wp-content': null,
    'wp-includes': [1680, 41_200_000],
    'wp-admin': [812, 14_100_000],
    'old site.zip': [1, 9_400_000],
    'index.php': [1, 405],
    'wp-config.php': [1, 3_204],
    '.htaccess': [1, 714],
  },
  'wp-content': {
    uploads: null,
    plugins: [7904, 91_000_000],
    cache: [1214, 81_000_000],
    themes: [612, 14_200_000],
    'debug.log': [1, 2_400_000],
    'index.php': [1, 28],
  },
  'wp-content/uploads': {
    ...Object.fromEntries(
      Array.from({ length: 10 }, (_, n): [string, Size] => [String(2016 + n), [700 + n * 90, 60_000_000 + n * 21_000_000]]),
    ),
    woocommerce_uploads: [312, 48_000_000],
  },
};

const LEFT_OUT: Record<string, string> = {
  'wp-content/cache': 'a cache, filled again by the copy and full of the old address',
  'wp-content/debug.log': 'a log of the source',
};

function sizeOf(path: string): Size {
  const inside = Object.entries(TOLD[path] ?? {});
  return inside.reduce<Size>(
    (sum, [name, size]) => {
      const [files, bytes] = size ?? sizeOf(path ? `${path}/${name}` : name);
      return [sum[0] + files, sum[1] + bytes];
    },
    [0, 0],
  );
}

export function folder(path: string): FolderPage {
  const told =
    TOLD[path] ??
    (/uploads\/\d{4}$/.test(path)
      ? Object.fromEntries(
          Array.from({ length: 12 }, (_, n) => [String(n + 1).padStart(2, '0'), [60 + n * 4, 5_000_000 + n * 700_000] as Size]),
        )
      : null);
  if (!told) {
    throw problem('folder.unknown', `There is no folder ${path} in this site any more.`, 'Look at the site anew.', {}, false);
  }
  const entries = Object.entries(told).map(([name, size]): FolderEntry => {
    const inner = path ? `${path}/${name}` : name;
    const folder = !name.includes('.') || size === null;
    const [files, bytes] = size ?? sizeOf(inner);
    return {
      name,
      path: inner,
      pattern: `/${inner.replace(/ /g, '\\ ')}${folder ? '/' : ''}`,
      folder,
      files,
      bytes,
      left_out: LEFT_OUT[inner] ?? null,
    };
  });
  return { entries: entries.sort((a, b) => b.bytes - a.bytes), more: 0, more_bytes: 0 };
}
