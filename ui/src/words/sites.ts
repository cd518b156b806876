/** Sites that jobs had to do with. */
import { plural } from './common';

export const sites = {
  title: 'Sites',
  hint: 'Every source and every copy that a job has had to do with.',
  none: 'No site has been cloned yet.',
  noneFound: 'No site matches.',
  copy: 'copy',
  source: 'source',
  clone: 'Clone…',
  cloneMany: (n: string) => `Clone ${n} sites…`,
  choose: (name: string) => `Choose ${name}`,
  showJobs: (name: string) => `Show the jobs of ${name}`,
  lastJob: 'Show the last job',
  jobs: (n: number, text: string) => plural(n, 'job', 'jobs', text),
  search: 'Name or folder',
  last: (time: string) => `last ${time}`,
  loading: 'Loading the sites…',
};
