import { homedir } from 'os';
import { join } from 'path';

/** Where downloads and builds are kept between runs, outside the workspace. */
export const cacheFolder = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
  'envoy-gateway-extensions-builder',
);
