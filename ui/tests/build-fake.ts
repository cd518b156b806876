import { build } from 'vite';

/** Builds the page with the fake program in it, once for all screens. */
export default async function setup(): Promise<void> {
  await build({ mode: 'fake', logLevel: 'error' });
}
