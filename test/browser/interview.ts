import { formSchema } from 'backstage-plugin-eg-common';
import { Locator, Page } from 'playwright-core';
import { screenshot } from './story';

const steps = formSchema({ customFields: true });

/** The part of the page with the advice. */
export function adviceOn(page: Page): Locator {
  return page.getByRole('region', { name: 'The advice', exact: true });
}

/** The form of the template, used by its labels. */
/** What chooses the template on the page of all templates. */
export const chooseOn = (page: Page): Locator =>
  page
    .getByRole('article')
    .filter({ hasText: 'Envoy Gateway extension' })
    .getByRole('button', { name: 'Choose' })
    .last();

export class Interview {
  private step = 0;

  private constructor(
    private readonly page: Page,
    private readonly name: string,
  ) {}

  /** Finds the template and fills the first step. */
  static async begin(page: Page, name: string): Promise<Interview> {
    const interview = new Interview(page, name);
    await page.goto('/create');
    await chooseOn(page).click();
    await interview.arrive();
    await interview.fill('Name', name);
    await interview.pick('Owner', 'Payments');
    return interview;
  }

  get advice(): Locator {
    return adviceOn(this.page);
  }

  async fill(label: string, text: string): Promise<void> {
    await this.page
      .getByRole('textbox', { name: label, exact: true })
      .fill(text);
  }

  /** Chooses a purpose, and takes the settings that the form shows as an example. */
  async exampleOf(purpose: string): Promise<void> {
    await this.choose('Purpose', purpose);
    await this.page.getByRole('button', { name: 'Insert the example' }).click();
    await this.page.getByRole('button', { name: 'Start again' }).waitFor();
  }

  async choose(label: string, option: string): Promise<void> {
    // The name of such a button is the question and its answer.
    await this.page
      .getByRole('button', { name: new RegExp(`^${label}\\b`) })
      .click();
    await this.page.getByRole('option', { name: option, exact: true }).click();
  }

  async pick(label: string, option: string): Promise<void> {
    await this.page.getByRole('textbox', { name: label, exact: true }).click();
    await this.page.getByRole('option', { name: option }).click();
  }

  private async arrive(): Promise<void> {
    const { description } = steps[this.step]!;
    await this.page.getByText(description, { exact: true }).waitFor();
  }

  /** Presses the button that goes on, which can be refused. */
  async tryToGoOn(): Promise<void> {
    await this.page.getByRole('button', { name: /^(Next|Review)$/ }).click();
  }

  /** Goes on to the step with this title, leaving the ones in between as they are. */
  async goOnTo(title: string): Promise<void> {
    while (steps[this.step]!.title !== title) {
      await this.tryToGoOn();
      this.step += 1;
      await this.arrive();
    }
  }

  /** Goes back to the step with this title. */
  async goBackTo(title: string): Promise<void> {
    while (steps[this.step]!.title !== title) {
      await this.page.getByRole('button', { name: 'Back' }).click();
      this.step -= 1;
      await this.arrive();
    }
  }

  /** Waits until this is the advice. */
  async advises(title: string): Promise<void> {
    await this.advice
      .getByText(`Build it as ${title}`, { exact: true })
      .waitFor();
  }

  /** Decides what is built. */
  async take(choice: string): Promise<void> {
    await this.advice.getByText(choice, { exact: true }).click();
  }

  /** The files that the advice previews, by path. */
  async preview(): Promise<Record<string, string>> {
    const files = this.advice.getByRole('region', {
      name: 'What will be written',
    });
    const paths = await files.getByRole('button').allInnerTexts();
    const texts: Record<string, string> = {};
    for (const path of paths) {
      await files.getByRole('button', { name: path, exact: true }).click();
      texts[path] = (await files
        .getByRole('region', { name: path, exact: true })
        .textContent())!;
      await files.getByRole('button', { name: path, exact: true }).click();
    }
    return texts;
  }

  /** Goes through the last steps, and starts the task. */
  async start(): Promise<void> {
    const { page } = this;
    await this.goOnTo('Where it is published');
    await this.fill('Owner', 'payments');
    await this.fill('Repository', this.name);
    await page.getByRole('textbox', { name: 'Repository' }).press('Tab');
    await screenshot(page, 'interview-6-where-it-is-published');
    await this.tryToGoOn();
    const create = page.getByRole('button', { name: 'Create', exact: true });
    await create.waitFor();
    await screenshot(page, 'interview-7-review');
    await create.click();
  }

  /** Publishes to the local Git host, and waits for the task’s end. */
  async create(): Promise<void> {
    await this.start();
    await this.page
      .getByRole('link', { name: 'Policy status' })
      .waitFor({ timeout: 90_000 });
    await screenshot(this.page, `task-${this.name}`);
  }
}
