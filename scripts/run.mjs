// Runs a TypeScript file of the workspace with the Backstage CLI's transform: node scripts/run.mjs FILE ARGUMENTS…
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const require = createRequire(import.meta.url);
const [file, ...args] = process.argv.slice(2);
require('@backstage/cli/config/nodeTransform.cjs');
process.argv = [process.argv[0], resolve(file), ...args];
require(resolve(file));
