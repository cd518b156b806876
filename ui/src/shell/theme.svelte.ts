import type { Theme } from '../backend/wire/Theme';

const dark = window.matchMedia('(prefers-color-scheme: dark)');
let chosen: Theme = 'system';

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
