import { seriousFaults } from './accessibility';
import { Interview } from './interview';
import { screenshot, story } from './story';

/** Every page of the form, in both themes. */
export function accessibilityStories(): void {
  for (const colorScheme of ['light', 'dark'] as const) {
    story(
      `axe finds no serious fault in the form (${colorScheme})`,
      async page => {
        await page.emulateMedia({ colorScheme });
        const faults: Record<string, string[]> = {};
        const check = async (step: string) => {
          faults[step] = await seriousFaults(page);
        };
        const interview = await Interview.begin(page, 'mask-cards');
        await check('The extension');
        await interview.goOnTo('What it does');
        await interview.exampleOf('Transform JSON bodies');
        await check('What it does');
        for (const step of ['What it has to respect', 'Where it runs']) {
          await interview.goOnTo(step);
          await check(step);
        }
        await interview.goOnTo('The advice');
        await interview.take('Wasm in Rust instead');
        await interview.advice
          .getByRole('button', { name: 'policy/envoyextensionpolicy.yaml' })
          .click();
        await check('The advice');
        await screenshot(page, `advice-${colorScheme}`);
        await interview.goOnTo('Where it is published');
        await check('Where it is published');
        expect(faults).toEqual(
          Object.fromEntries(Object.keys(faults).map(step => [step, []])),
        );
      },
    );
  }
}
