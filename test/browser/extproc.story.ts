import { seriousFaults } from './accessibility';
import { Interview } from './interview';
import { inClone, readFiles } from './repository';
import { screenshot, story } from './story';

/** ExtProc with an answer that changes the advice, and its name a second time. */
export function extProcStory(): void {
  story('ExtProc: from the interview to the entity', async page => {
    const interview = await Interview.begin(page, 'mask-cards');
    await screenshot(page, 'interview-1-the-extension');
    await interview.goOnTo('What it does');
    await interview.exampleOf('Transform JSON bodies');
    await page
      .getByRole('textbox', { name: 'JSON Pointer' })
      .first()
      .fill('/payment/card/number');
    await screenshot(page, 'interview-2-what-it-does');
    await interview.goOnTo('What it has to respect');
    await screenshot(page, 'interview-3-what-it-has-to-respect');
    await interview.goOnTo('Where it runs');
    await interview.fill('Name', 'checkout');
    await interview.fill('Image registry', 'ghcr.io/acme');
    await screenshot(page, 'interview-4-where-it-runs');
    await interview.goOnTo('The advice');
    await interview.advises('ExtProc in Go');
    await screenshot(page, 'interview-5-the-advice', 1200);

    await interview.goBackTo('What it has to respect');
    await interview.choose('Latency that can be added', 'Less than 1 ms');
    await interview.goOnTo('The advice');
    await interview.advises('Wasm in Rust');
    await interview.goBackTo('What it has to respect');
    await interview.choose('Latency that can be added', '1 to 10 ms');
    await interview.goOnTo('The advice');
    await interview.advises('ExtProc in Go');

    const preview = await interview.preview();
    expect(preview['k8s/settings.json']).toContain('"/payment/card/number"');
    expect(preview['k8s/deployment.yaml']).toContain('ghcr.io/acme/mask-cards');
    await interview.create();

    const opened = page.waitForEvent('popup');
    await page.getByRole('link', { name: /^Repository/ }).click();
    const repository = await opened;
    await repository.getByRole('link', { name: 'catalog-info.yaml' }).waitFor();
    await screenshot(repository, 'repository');
    await inClone('mask-cards', async folder => {
      expect(await readFiles(folder, Object.keys(preview))).toEqual(preview);
    });

    await page.getByRole('link', { name: 'Catalog', exact: true }).click();
    await page.getByRole('link', { name: 'mask-cards' }).click();
    await page
      .getByRole('link', { name: 'Details of every object and gateway' })
      .waitFor();
    await screenshot(page, 'overview-no-cluster');
    await page.getByRole('link', { name: 'Gateway extension' }).click();
    await page.getByText('No cluster is configured').waitFor();
    await page.getByText('Add one under kubernetes.cluster').waitFor();
    await screenshot(page, 'tab-no-cluster');
    for (const name of ['Repository', 'Documentation of the extension']) {
      const link = page.getByRole('link', { name });
      const { request } = page;
      const response = await request.get((await link.getAttribute('href'))!);
      expect([response.url(), response.status()]).toEqual([
        expect.stringContaining('/payments/mask-cards'),
        200,
      ]);
    }
    expect(await seriousFaults(page)).toEqual([]);
  });

  story(
    'The same name again is refused, and overwrites nothing',
    async page => {
      const interview = await Interview.begin(page, 'mask-cards');
      await interview.goOnTo('What it does');
      await interview.exampleOf('Transform headers');
      await interview.start();
      await page
        .getByText(/already exists/)
        .first()
        .waitFor();
      await screenshot(page, 'task-refused');
      await inClone('mask-cards', async folder => {
        const files = await readFiles(folder, ['k8s/settings.json']);
        expect(files['k8s/settings.json']).toContain('/payment/card/number');
      });
    },
  );
}
