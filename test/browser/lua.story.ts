import execa from 'execa';
import { Interview } from './interview';
import { inClone, readFiles } from './repository';
import { story } from './story';

/** What stands in the preview for the script, which only the task can know. */
const script = /^.*-- The script comes here.*\n/m;

/** The preview with the published script in its place. */
function completed(preview: string, published: string): string {
  const [before, after] = preview.split(script);
  if (before === undefined || after === undefined) {
    return preview;
  }
  const end = published.length - after.length;
  return before + published.slice(before.length, end) + after;
}

/** Lua, as preferred, built with the repository’s own Makefile. */
export function luaStory(): void {
  story('Lua: preferred, warned of, and published', async page => {
    const interview = await Interview.begin(page, 'mark-responses');
    await interview.goOnTo('What it does');
    await interview.exampleOf('Transform headers');
    await interview.goOnTo('What it has to respect');
    await interview.choose('Language', 'Lua');
    await interview.goOnTo('The advice');
    await interview.advises('Lua');
    await interview.advice
      .getByRole('region', { name: 'What to watch' })
      .getByText('enableLua')
      .waitFor();

    const preview = await interview.preview();
    await interview.create();
    await inClone('mark-responses', async folder => {
      const published = await readFiles(folder, Object.keys(preview));
      for (const [path, text] of Object.entries(published)) {
        expect(text).toBe(completed(preview[path]!, text));
      }
      await execa('make', ['build', 'test'], { cwd: folder });
    });

    await page.getByRole('link', { name: 'Policy status' }).click();
    await page.getByText('No cluster is configured').waitFor();
  });
}
