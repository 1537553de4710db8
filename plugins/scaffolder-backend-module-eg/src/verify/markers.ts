import fs from 'fs-extra';
import { relative } from 'path';
import { renderFiles } from 'backstage-plugin-eg-common';
import { textFiles } from './files';
import { CheckDefinition, outcome } from './types';

/** What is left where a template was not rendered. */
const marker = /\$\{\{|\{%|%\}/;

/** All texts in a value that hold a marker: somebody's data, wherever they stand. */
function textsWithMarkers(value: unknown): string[] {
  if (typeof value === 'string') {
    return marker.test(value) ? [value] : [];
  }
  return typeof value === 'object' && value !== null
    ? Object.values(value).flatMap(textsWithMarkers)
    : [];
}

/**
 * No template markers are left over. Texts of the plan are data, also where they hold one; so are files that a serializer
 * wrote. GitHub's workflows use the same delimiters themselves.
 */
export const markersCheck: CheckDefinition = {
  id: 'markers',
  title: 'Template markers that were left over',
  async run({ directory, plan }) {
    const data = new Set(Object.keys(renderFiles(plan)));
    const texts = textsWithMarkers(plan);
    const problems: string[] = [];
    let count = 0;
    for (const path of await textFiles(directory)) {
      const file = relative(directory, path);
      if (file.endsWith('.njk')) {
        problems.push(`${file} is a template that was not rendered`);
      }
      if (data.has(file) || file.startsWith('.github/')) {
        continue;
      }
      count++;
      const lines = (await fs.readFile(path, 'utf8')).split('\n');
      lines.forEach((line, i) => {
        const rest = texts.reduce(
          (left, text) => left.split(text).join(''),
          line,
        );
        const [found] = rest.match(marker) ?? [];
        if (found) {
          problems.push(`${file}:${i + 1} has a template marker: ${found}`);
        }
      });
    }
    return outcome(problems, `${count} files`);
  },
};
