import { describe, expect, test } from 'vitest';
import {
  briefly,
  shortPath,
  ago,
  amountOf,
  at,
  baseName,
  bytes,
  clock,
  dayGroup,
  duration,
  eta,
  homely,
  homeOf,
  host,
  percent,
  rate,
  localeOf,
} from './format';

describe('numbers for people', () => {
  test('per cent is whole, is never 100 before the end and never 0 after the beginning', () => {
    expect([0, 0.2, 1.9, 62.4, 99.97, 100].map(percent)).toEqual(['0 %', '1 %', '1 %', '62 %', '99 %', '100 %']);
  });

  test('sizes count in thousands and keep three figures', () => {
    expect([0, 999, 1000, 56_000_000, 999_600, 1_701_200_000, 182e9].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1 kB',
      '56 MB',
      '1 MB',
      '1.7 GB',
      '182 GB',
    ]);
  });

  test('an amount of a whole names the unit once', () => {
    expect(amountOf(812_400, 1_204_551, 'rows')).toBe('812,400 of 1,204,551 rows');
    expect(amountOf(11.2e9, 48e9, 'bytes')).toBe('11.2 of 48 GB');
    expect(amountOf(900e6, 1.5e9, 'bytes')).toBe('900 MB of 1.5 GB');
    expect(amountOf(14, 0, 'files')).toBe('14 files');
    expect(amountOf(1, 0, 'files')).toBe('1 file');
    expect(amountOf(0, 0, '')).toBe('');
  });

  test('a rate that is not known is not shown', () => {
    expect([rate(0, 'rows'), rate(41_200, 'rows'), rate(38e6, 'bytes'), rate(1.25, 'items')]).toEqual([
      '',
      '41,200 rows/s',
      '38 MB/s',
      '1.3 items/s',
    ]);
  });
});

describe('times for people', () => {
  test('what it took is as exact as it helps', () => {
    expect([0, 20, 94, 9_940, 12_400, 59_400, 61_000, 192_000, 3_729_000].map(duration)).toEqual([
      '0 s',
      '< 0.1 s',
      '0.1 s',
      '9.9 s',
      '12 s',
      '59 s',
      '1:01',
      '3:12',
      '1:02:09',
    ]);
  });

  test('a clock shows hours only when there are some', () => {
    expect([0, 12_000, 60_000, 3_600_000, 86_400_000].map(clock)).toEqual(['0:00', '0:12', '1:00', '1:00:00', '24:00:00']);
  });

  test('how long still is a range, or nothing', () => {
    expect(eta(null)).toBeNull();
    expect(eta({ low: 100, high: 170 })).toBe('1–3 min');
    expect(eta({ low: 130, high: 170 })).toBe('2–3 min');
    expect(eta({ low: 2, high: 4 })).toBe('1–5 s');
    expect(eta({ low: 20, high: 20 })).toBe('about 20 s');
    expect(eta({ low: 4000, high: 9000 })).toBe('1–3 h');
    expect(eta({ low: 30, high: 100 })).toBe('under 2 min');
    expect(eta({ low: 1, high: Infinity })).toBeNull();
  });

  const now = new Date(2026, 10, 22, 14, 0).getTime();
  const before = (minutes: number) => new Date(now - minutes * 60_000).toISOString();

  test('what has happened is told relative to now', () => {
    expect(ago(before(0.2), now)).toBe('just now');
    expect(ago(before(4), now)).toBe('4 min ago');
    expect(ago(before(14 * 60 + 30), now)).toMatch(/^yesterday /);
    expect(ago(before(60 * 24 * 10), now)).toContain('Nov');
    expect(ago('no time', now)).toBe('');
  });

  test('a row has no room for the time of another day', () => {
    expect(at(before(60), now, true)).toBe(at(before(60), now));
    expect(at(before(60 * 40), now, true)).not.toContain(':');
  });

  test('today needs no day', () => {
    expect(at(before(60), now)).not.toContain('Nov');
    expect(at(before(60 * 40), now)).toContain('Nov');
  });

  test('the history goes by day, then by month', () => {
    expect([before(5), before(15 * 60), before(4 * 1440), before(50 * 1440)].map((time) => dayGroup(time, now))).toEqual([
      'today',
      'yesterday',
      'week',
      'October 2026',
    ]);
  });
});

test('a session without a language gets English', () => {
  expect(localeOf(['C'])).toBe('en');
  expect(localeOf(['', undefined, 'C', 'de-CH'])).toBe('de-CH');
  expect(localeOf(['xx-unknown'])).toBe('en');
});

describe('places for people', () => {
  test('the home folder is a tilde, and only the home folder', () => {
    const home = homeOf('/home/ada/.local/share/clonedeck');
    expect(home).toBe('/home/ada');
    expect(homely('/home/ada/sites/shop', home)).toBe('~/sites/shop');
    expect(homely('/home/adam/sites', home)).toBe('/home/adam/sites');
    expect(homely('/srv/www', '')).toBe('/srv/www');
  });

  test('a long path loses its middle, never its root and its last folder', () => {
    expect(shortPath('/srv/www/shop')).toBe('/srv/www/shop');
    const long = '/srv/customers/2026/a-very-long-customer-name/department-of-questions/public_html/releases/current';
    const short = shortPath(long, 48);
    expect(short).toMatch(/^\/srv\/customers\/.*…\/.*releases\/current$/);
    expect(short.length).toBeLessThanOrEqual(48);
    expect(shortPath(`/srv/${'x'.repeat(90)}`, 40).length).toBeLessThanOrEqual(40);
  });

  test('a sentence where there is little room keeps the last name of each path', () => {
    expect(briefly('/tmp/sites/blog15.example.org.copy already holds something.')).toBe(
      'blog15.example.org.copy already holds something.',
    );
    expect(briefly('Nothing can be written into the data folder ~/data/deck any more.')).toBe(
      'Nothing can be written into the data folder deck any more.',
    );
    for (const whole of ['Needs 512 MB, 310 MB free.', 'The server at http://127.0.0.1:8080/wp answered 500.', '3 and/or 4'])
      expect(briefly(whole)).toBe(whole);
  });

  test('names are the last part of a path, hosts what stands between scheme and end', () => {
    expect([baseName('/a/b/'), baseName('C:\\sites\\shop'), baseName('/')]).toEqual(['b', 'shop', '/']);
    expect([host('https://shop.example.com/'), host('http://127.0.0.1:8410'), host('shop')]).toEqual([
      'shop.example.com',
      '127.0.0.1:8410',
      'shop',
    ]);
  });
});
