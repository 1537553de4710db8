import { Interview } from './interview';
import { inClone, readFiles } from './repository';
import { screenshot, story } from './story';

/** Wasm, and a look at what taking something else would mean. */
export function wasmStory(): void {
  story('Wasm: another choice and back, then published', async page => {
    const interview = await Interview.begin(page, 'tag-tenants');
    await interview.goOnTo('What it does');
    await interview.exampleOf('Transform headers');
    await interview.goOnTo('What it has to respect');
    await interview.choose('Latency that can be added', 'Less than 1 ms');
    await interview.goOnTo('The advice');
    await interview.advises('Wasm in Rust');

    const consequences = interview.advice.getByText(
      'You chose ExtProc in Go; the advice is Wasm in Rust',
    );
    await interview.take('ExtProc in Go instead');
    await consequences.waitFor();
    await interview.advice
      .getByRole('status')
      .getByText('Each processed phase is a gRPC round trip')
      .waitFor();
    await screenshot(page, 'advice-overridden');
    expect(Object.keys(await interview.preview())).toContain(
      'k8s/deployment.yaml',
    );
    await interview.take('What the advice says: Wasm in Rust');
    await consequences.waitFor({ state: 'detached' });

    const preview = await interview.preview();
    expect(Object.keys(preview)).not.toContain('k8s/deployment.yaml');
    await interview.create();
    await inClone('tag-tenants', async folder => {
      expect(await readFiles(folder, Object.keys(preview))).toEqual(preview);
    });
    await page.getByRole('link', { name: 'In the catalog' }).click();
    await page.getByRole('heading', { name: 'tag-tenants' }).waitFor();
  });
}
