import fs from 'fs-extra';
import { resolveSafeChildPath } from '@backstage/backend-plugin-api';
import { relative } from 'path';
import { implementationOf } from 'backstage-plugin-eg-common';
import { linksIn } from './files';
import { CheckDefinition, outcome } from './types';

/** Every file that the implementation needs is there and has content, and no file is somewhere else. */
export const treeCheck: CheckDefinition = {
  id: 'tree',
  title: 'Files that the implementation needs',
  async run({ directory, options, plan }) {
    const { files } = implementationOf(plan.implementation);
    const links = options.trustFolder ? [] : await linksIn(directory);
    const problems = links.map(
      path =>
        `${relative(
          directory,
          path,
        )} is a symbolic link, and no check reads through links: put the file itself there`,
    );
    for (const file of files) {
      // A link that leads out of the repository is no file of it.
      const stat = await Promise.resolve()
        .then(() => fs.stat(resolveSafeChildPath(directory, file)))
        .catch(() => undefined);
      if (!stat?.isFile()) {
        problems.push(`${file} is missing`);
      } else if (stat.size === 0) {
        problems.push(`${file} is empty`);
      }
    }
    return outcome(problems, `${files.length} files`);
  },
};
