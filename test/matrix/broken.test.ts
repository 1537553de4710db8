import { templateFolder } from 'eg-cli';
import fs from 'fs-extra';
import os from 'os';
import { join } from 'path';
import { describeWith } from '../src/tools';
import { runMatrix } from './matrix';

/** Runs the matrix on a copy of the template in which one file of a skeleton was changed. */
async function withBroken(
  file: string,
  change: (text: string) => string,
  selection: { implementation: string; purpose: string },
) {
  const folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-broken-'));
  try {
    await fs.copy(templateFolder, folder);
    const path = join(folder, 'skeletons', file);
    const before = await fs.readFile(path, 'utf8');
    const after = change(before);
    expect(after).not.toBe(before);
    await fs.writeFile(path, after);
    // Its own unit tests would find it first; here Envoy has to.
    await removeUnitTests(join(folder, 'skeletons'));
    return await runMatrix({
      ...selection,
      variant: '',
      envoy: '1.39.3',
      template: folder,
    });
  } finally {
    await fs.remove(folder);
  }
}

async function removeUnitTests(folder: string): Promise<void> {
  for (const entry of await fs.readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      await removeUnitTests(path);
    } else if (/_test\.go$|^test_.*\.py$/.test(entry.name)) {
      await fs.remove(path);
    }
  }
}

describeWith(['make', 'python3'], 'a broken Lua skeleton', () => {
  it('fails the matrix when a header gets a wrong value', async () => {
    const rows = await withBroken(
      'lua/purposes/header-transform/src/filter.lua',
      text =>
        text.replace(
          'headers:replace(operation.name, operation.value)',
          'headers:replace(operation.name, operation.value .. "!")',
        ),
      { implementation: 'lua', purpose: 'header-transform' },
    );
    expect(rows).toHaveLength(1);
    for (const row of rows) {
      expect(row.status).toBe('failed');
      expect(row.message).toMatch(
        /FAIL .*headers that are absent|header x-set/,
      );
    }
  });
});

describeWith(['make', 'python3', 'go'], 'a broken Go skeleton', () => {
  it('fails the matrix when a phase is answered with an empty ProcessingResponse', async () => {
    const rows = await withBroken(
      'extproc-go/base/internal/processor/processor.go',
      text =>
        `${text.replace('grpcStream.Send(r)', 'grpcStream.Send(empty(r))')}
func empty(*extprocv3.ProcessingResponse) *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{}
}
`,
      { implementation: 'extproc-go', purpose: 'header-transform' },
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]!.status).toBe('failed');
    expect(rows[0]!.message).toMatch(/status: expected 200, got 500/);
  });
});
