import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import './kit/tokens.css';
import './kit/base.css';
import { mount } from 'svelte';
import type { Backend } from './backend/backend';
import App from './shell/App.svelte';
import { followSystemTheme } from './shell/theme.svelte';

declare const __FAKE__: boolean;

async function backend(): Promise<Backend> {
  if (__FAKE__ && !('__TAURI_INTERNALS__' in window)) return (await import('./backend/fake')).fakeFromAddress();
  return (await import('./backend/tauri')).tauri;
}

followSystemTheme();
const target = document.getElementById('app');
if (target) mount(App, { target, props: { backend: await backend() } });
