import { Interview } from './interview';
import { screenshot, story } from './story';

/** What the form says about answers that cannot be built. */
export function problemStories(): void {
  story('Errors name the question', async page => {
    const interview = await Interview.begin(page, 'Mask Cards');
    await interview.tryToGoOn();
    await page.getByText("'Name' must match pattern").waitFor();
    await interview.fill('Name', 'mask-cards');

    await interview.goOnTo('What it does');
    await interview.exampleOf('Transform JSON bodies');
    const pointer = page.getByRole('textbox', { name: 'JSON Pointer' }).first();
    await pointer.fill('card');
    await interview.tryToGoOn();
    await page
      .getByText('Settings, request[0].pointer (step “What it does”)')
      .first()
      .waitFor();
    await screenshot(page, 'problem-settings');

    await pointer.fill('/card');
    await page.getByRole('checkbox', { name: 'Response body' }).uncheck();
    await interview.tryToGoOn();
    await page
      .getByText('What is processed (step “What it does”)')
      .first()
      .waitFor();
    await page.getByText('the settings need responseBody').first().waitFor();
    await screenshot(page, 'problem-processing');
    await page.getByRole('checkbox', { name: 'Response body' }).check();

    await interview.goOnTo('Where it runs');
    await interview.choose('Envoy Gateway release', '1.8');
    await interview.choose('Kind', 'ListenerSet');
    await interview.goOnTo('The advice');
    await interview.advice
      .getByText('Target, Kind (step “Where it runs”)')
      .waitFor();
    await screenshot(page, 'problem-other-step');
  });

  story('A choice that later answers rule out is refused', async page => {
    const interview = await Interview.begin(page, 'mark-responses');
    await interview.goOnTo('What it does');
    await interview.exampleOf('Transform headers');
    await interview.goOnTo('The advice');
    await interview.take('Lua instead');
    await interview.goBackTo('What it has to respect');
    await page
      .getByRole('checkbox', { name: 'Calls external services' })
      .check();
    await interview.goOnTo('The advice');
    await interview.advice
      .getByText('Implementation (step “The advice”): "lua" is not valid')
      .waitFor();
    await screenshot(page, 'problem-choice');
    await interview.take('What the advice says: ExtProc in Go');
    await interview.goOnTo('Where it is published');
  });
}
