import type { Theme } from '../backend/wire/Theme';

const dark = window.matchMedia('(prefers-color-scheme: dark)');
// The window has told already which colours were chosen, so that the first picture has them.
let chosen: Theme = (document.documentElement.dataset['theme'] as Theme | undefined) ?? 'system';

function apply(): void {
  document.documentElement.dataset['theme'] = chosen === 'dark' || (chosen === 'system' && dark.matches) ? 'dark' : 'light';
}

export function setTheme(theme: Theme): void {
  chosen = theme;
  apply();
}

/** Follows the system's colours, until a person chose others. */
export function followSystemTheme(): void {
  dark.addEventListener('change', apply);
  apply();
}
