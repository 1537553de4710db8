/* eslint-disable jest/no-export, jest/valid-title, jest/expect-expect --
   this is no test but what tests are declared with */
import fs from 'fs-extra';
import { join } from 'path';
import { Browser, BrowserContext, Page } from 'playwright-core';
import { Backstage } from './backstage';
import { launchChromium } from './chromium';

/** Screenshots, those of failures too. */
export const artefacts = join(__dirname, 'artefacts');

/** How long a page may take to show what a story waits for; the first one is compiled meanwhile. */
const patience = 60_000;

let browser: Browser;
let context: BrowserContext;

/** What the stories of a `describe` have in common. */
export const world: { backstage: Backstage } = {} as any;

/**
 * Opens a browser and Backstage before the stories, and closes them after.
 *
 * @param start - starts Backstage
 */
export function inBackstage(start: () => Promise<Backstage>): void {
  beforeAll(async () => {
    await fs.ensureDir(artefacts);
    world.backstage = await start();
    browser = await launchChromium();
    context = await browser.newContext({
      baseURL: world.backstage.url,
      viewport: { width: 1300, height: 900 },
      colorScheme: 'light',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    context.setDefaultTimeout(patience);
  });

  afterAll(async () => {
    await browser?.close();
    await world.backstage?.stop();
  });
}

/**
 * A picture of the whole page, or of its upper part.
 *
 * @param name - of the file
 * @param most - how many pixels of its height
 */
export async function screenshot(
  page: Page,
  name: string,
  most = Infinity,
): Promise<void> {
  const size = page.viewportSize()!;
  const height = await page.evaluate(
    () => document.documentElement.scrollHeight,
  );
  // What sticks to the window is where it belongs only when the window is as high as the page.
  await page.setViewportSize({ ...size, height });
  await page.screenshot({
    path: join(artefacts, `${name}.png`),
    animations: 'disabled',
    clip: { x: 0, y: 0, width: size.width, height: Math.min(height, most) },
  });
  await page.setViewportSize(size);
}

/**
 * A test with a page of its own. A failure says where the page was, and leaves a picture of it.
 *
 * @param title - what holds
 * @param run - does what a person would
 */
export function story(title: string, run: (page: Page) => Promise<void>): void {
  it(title, async () => {
    const page = await context.newPage();
    const crashes: string[] = [];
    page.on('pageerror', ({ message }) => crashes.push(message));
    try {
      await run(page);
      expect(crashes).toEqual([]);
    } catch (error) {
      const name = `failed ${title}`.replace(/\W+/g, '-');
      await screenshot(page, name).catch(() => {});
      throw new Error(
        `${
          (error as Error).message
        }\n\nat ${page.url()}, see artefacts/${name}.png`,
        { cause: error },
      );
    } finally {
      await page.close();
    }
  });
}
