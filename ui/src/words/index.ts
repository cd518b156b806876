/** Every word that a person reads, by screen, ready for another language. What the program itself says (steps, problems) comes from it. */
import { ask } from './asks';
import * as jobs from './jobs';
import { log } from './log';
import { clone } from './new-clone';
import { receipt } from './receipt';
import { settings } from './settings';
import * as shell from './shell';
import { sites } from './sites';
import { common } from './common';

export { states, stepStates } from './common';

export const words = {
  ...common,
  ...shell,
  ask,
  ...jobs,
  log,
  receipt,
  clone,
  sites,
  settings,
};
