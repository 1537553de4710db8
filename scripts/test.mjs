// The whole check, as `npm test` and CI run it: format, types, lint, the unit and integration tests of all packages, and
// the matrix of generated repositories in real Envoys. Optional parts are skipped where their programs are missing;
// EG_REQUIRE_ALL=1 makes that a failure. Ends with the sum over all suites.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'eg-test-'));
const results = join(folder, 'jest.json');
// Without CI, jest would watch files.
const env = { ...process.env, CI: 'true' };

function run(command, args, options = {}) {
  return spawnSync(command, args, { stdio: 'inherit', env, ...options });
}

/** A tool that passes or fails as a whole. */
const whole =
  (command, ...args) =>
  () => {
    const passed = run(command, args).status === 0;
    return { passed: Number(passed), failed: Number(!passed), skipped: 0 };
  };

function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The test files that match a pattern. */
const jest = (pattern, workers) => () => {
  const { status } = run(
    'backstage-cli',
    [
      'repo',
      'test',
      pattern,
      `--maxWorkers=${workers}`,
      '--json',
      `--outputFile=${results}`,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const report = readJson(
    readFileSync(results, { encoding: 'utf8', flag: 'a+' }),
  );
  rmSync(results, { force: true });
  const failed = report?.numFailedTests ?? 0;
  return {
    passed: report?.numPassedTests ?? 0,
    // A suite that could not even be loaded has no failed test.
    failed: status === 0 ? failed : Math.max(failed, 1),
    skipped: report?.numPendingTests ?? 0,
  };
};

const suites = {
  format: whole('prettier', '--check', '.', '--loglevel', 'warn'),
  types: whole('tsc', '--noEmit', '-p', '.'),
  lint: whole('backstage-cli', 'repo', 'lint', '--max-warnings', '0'),
  tests: jest('^(?!(.*/)?(start|browser|lab)/[^/]+$).*$', 2),
  // A control plane each, in namespaces of its own; much of their time is waiting.
  lab: jest('/test/lab/', 2),
  // Each of these runs a whole Backstage; two at once, or anything beside them, would make them wait for each other.
  browser: jest('/test/(start|browser)/', 1),
  matrix: () => {
    const { status, stdout } = run(
      'node',
      ['scripts/run.mjs', 'test/matrix/main.ts', '--json'],
      { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' },
    );
    const { passed = 0, failed = 0, skipped = 0 } = readJson(stdout) ?? {};
    const nothingRan = passed + failed + skipped === 0;
    return {
      passed,
      failed:
        status === 0 || failed > 0 || (!nothingRan && passed === 0)
          ? failed
          : 1,
      skipped,
    };
  },
};

process.env.PATH = env.PATH = `${join(process.cwd(), 'node_modules/.bin')}:${
  env.PATH
}`;

const total = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
for (const [name, suite] of Object.entries(suites)) {
  const started = Date.now();
  console.log(`\n== ${name}`);
  const counts = suite();
  for (const key of Object.keys(total)) {
    total[key] += counts[key];
  }
  lines.push(
    `${name}: ${counts.passed} passed, ${counts.failed} failed, ${
      counts.skipped
    } skipped, ${Math.round((Date.now() - started) / 1000)} s`,
  );
}
rmSync(folder, { recursive: true, force: true });
console.log(`\n${lines.join('\n')}\n`);
console.log(
  `${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`,
);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
