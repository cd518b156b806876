/** Every word that a person reads, by screen, ready for another language. What the program itself says (steps, problems) comes from it. */
import { ask } from './asks';
import * as jobs from './jobs';
import { log } from './log';
import { fresh } from './fresh';
import { build } from './new-build';
import { clone } from './new-clone';
import { command } from './new-command';
import { own } from './own-commands';
import { previews } from './previews';
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
  command,
  build,
  previews,
  own,
  fresh,
  sites,
  settings,
};
