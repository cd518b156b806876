import { expect, test } from 'vitest';
import { plain, spans } from './ansi';

test('a plain line is one span', () => {
  expect(spans('range 1–80 done')).toEqual([{ text: 'range 1–80 done', style: '' }]);
});

test('colours begin and end where they are set', () => {
  expect(spans('a \x1b[32mgreen\x1b[0m b')).toEqual([
    { text: 'a ', style: '' },
    { text: 'green', style: 'green' },
    { text: ' b', style: '' },
  ]);
});

test('bold, faint and underline join a colour and leave it', () => {
  expect(spans('\x1b[1;31mx\x1b[22my\x1b[39;4mz\x1b[24mw')).toEqual([
    { text: 'x', style: 'red bold' },
    { text: 'y', style: 'red' },
    { text: 'z', style: 'underline' },
    { text: 'w', style: '' },
  ]);
});

test('bright, 256 and true colours become the nearest of the theme', () => {
  expect(spans('\x1b[92ma\x1b[38;5;196mb\x1b[38;2;20;40;250mc\x1b[38;5;240md').map((span) => span.style)).toEqual([
    'green',
    'red',
    'blue',
    'black',
  ]);
});

test('a background takes its numbers with it', () => {
  expect(spans('\x1b[48;5;31mtext\x1b[48;2;1;32;3mmore')).toEqual([{ text: 'textmore', style: '' }]);
});

test('whatever moves a cursor or names a window is left out', () => {
  expect(plain('\x1b[2K\x1b[1Gdone\x1b]0;title\x07 now\x1b[?25h\r')).toBe('done now');
});

test('a broken sequence hides nothing that can be read', () => {
  expect(plain('half \x1b[3')).toBe('half [3');
});
