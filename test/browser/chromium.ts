import { sync } from 'execa';
import { Browser, chromium } from 'playwright-core';
import { hasProgram } from '../src/tools';

/** Names and places that a Chromium or a Chrome usually has. */
const usual = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  '/usr/bin/chromium',
  '/snap/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The browser that the tests drive: what the variable CHROMIUM names, or the first usual one that is there. */
export const chromiumProgram =
  process.env.CHROMIUM || usual.find(hasProgram) || 'chromium';

/** Starts it without a window. */
export function launchChromium(): Promise<Browser> {
  const { stdout } = sync('sh', [
    '-c',
    'command -v "$1"',
    'sh',
    chromiumProgram,
  ]);
  return chromium.launch({
    executablePath: stdout,
    // As root, which CI often is, Chromium has no sandbox.
    chromiumSandbox: false,
    args: ['--disable-quic', '--disable-component-update'],
  });
}
