import { Locator, Page } from 'playwright-core';
import { adviceOn, chooseOn } from './interview';
import { story } from './story';

/** Presses Tab until the element has the focus, as far as it can take. */
async function tabTo(page: Page, element: Locator): Promise<void> {
  await element.waitFor();
  for (let presses = 0; presses < 60; presses++) {
    if (await element.evaluate(node => node === document.activeElement)) {
      return;
    }
    await page.keyboard.press('Tab');
  }
  throw new Error(`60 times Tab do not lead to ${element}`);
}

/** The form without a mouse. */
export function keyboardStory(): void {
  story('The form can be filled by the keyboard alone', async page => {
    const { keyboard } = page;
    const next = page.getByRole('button', { name: /^(Next|Review)$/ });
    const goOn = async (step: string) => {
      await tabTo(page, next);
      await keyboard.press('Enter');
      await page.getByText(step).waitFor();
    };

    await page.goto('/create');
    await tabTo(page, chooseOn(page));
    await keyboard.press('Enter');
    await tabTo(page, page.getByRole('textbox', { name: 'Name', exact: true }));
    await keyboard.type('by-keyboard');
    await tabTo(page, page.getByRole('textbox', { name: 'Owner' }));
    await keyboard.type('Pay');
    await page.getByRole('option', { name: 'Payments' }).waitFor();
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
    await goOn('What should happen to which part of the traffic');

    await tabTo(page, page.getByRole('button', { name: /^Purpose/ }));
    await keyboard.press('Enter');
    await page.getByRole('option', { name: 'Transform headers' }).waitFor();
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
    await page
      .getByRole('button', { name: 'Purpose Transform headers' })
      .waitFor();
    await tabTo(page, page.getByRole('button', { name: 'Insert the example' }));
    await keyboard.press('Enter');
    await page.getByRole('button', { name: 'Start again' }).waitFor();
    await goOn('From these answers the mechanism follows');
    await goOn('The gateway or route that it is attached to');
    await goOn('Which implementation fits');

    const advice = adviceOn(page);
    await tabTo(
      page,
      advice.getByRole('radio', {
        name: 'What the advice says: ExtProc in Go',
      }),
    );
    await keyboard.press('ArrowDown');
    await advice.getByText('the advice is ExtProc in Go').waitFor();
    const file = 'policy/envoyextensionpolicy.yaml';
    await tabTo(page, advice.getByRole('button', { name: file, exact: true }));
    await keyboard.press('Enter');
    await tabTo(page, advice.getByRole('button', { name: `Copy ${file}` }));
    await keyboard.press('Enter');
    await advice.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
      await advice.getByRole('region', { name: file }).textContent(),
    );
    await goOn('The repository that is created');

    await tabTo(page, page.getByRole('textbox', { name: 'Owner' }));
    await keyboard.type('payments');
    await tabTo(page, page.getByRole('textbox', { name: 'Repository' }));
    await keyboard.type('by-keyboard');
    await tabTo(page, next);
    await keyboard.press('Enter');
    await tabTo(
      page,
      page.getByRole('button', { name: 'Create', exact: true }),
    );
  });
}
