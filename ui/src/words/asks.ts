/** What is asked before something is ended, deleted or let loose. */
import { plural } from './common';

export const ask = {
  cancelOne: (title: string) => `Cancel the clone of ${title}?`,
  clearUp: (title: string) => `Take back what the clone of ${title} made?`,
  clearUpDo: 'Take it back',
  cancelMany: (n: string) => `Cancel ${n} jobs?`,
  cancelUndo: 'What it has made so far is taken back:',
  cancelNothing: 'It has not begun, so there is nothing to take back.',
  cancelMade: (path: string) => `the folder ${path}`,
  cancelDatabase: 'its database, where it made one',
  cancelSource: 'The source is not touched.',
  cancelDo: 'Cancel and take back',
  cancelQueuedDo: 'Cancel the job',
  keepRunning: 'Keep it',
  lift: (title: string) => `Lift the neutralisation of ${title}?`,
  liftWhat:
    'The copy may then send mail, charge cards, run its scheduled tasks and be found by search engines. This is done to the copy; the source is not touched.',
  liftDo: 'Lift neutralisation',
  lifted: 'Lifted. This changed:',
  remove: (name: string) => `Delete the copy ${name}?`,
  removeWhat: 'This goes, and cannot be brought back:',
  removeSource: 'The source is not touched.',
  removeName: (name: string) => `Type ${name} to go on`,
  removeDo: (name: string) => `Delete ${name}`,
  removed: (name: string) => `${name} was deleted.`,
  quit: 'Quit with jobs running?',
  quitWhat: (n: number, text: string) =>
    `${plural(n, 'job runs', 'jobs run', text)}. They stop at a safe point and go on from there when Clonedeck is started again. Nothing is copied twice.`,
  quitIdle: 'Clonedeck is about to end. Jobs in line start when it runs again.',
  quitDo: 'Quit',
  closeTitle: 'Close the window?',
  closeNoTray:
    'There is no tray here, so a hidden window could not be brought back except by starting Clonedeck again. Jobs would go on without it.',
  hide: 'Hide the window',
  quitting: 'Coming to a safe point…',
  remember: 'Do this from now on',
};
