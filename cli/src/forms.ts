import fs from 'fs-extra';
import { join } from 'path';
import { formSchema } from 'backstage-plugin-eg-common';
import { Document, parseDocument } from 'yaml';

/** The template for apps with the front-end plugin. What is not a question is written by hand, in this file only. */
const main = 'template.yaml';

/** The same template with stock fields. */
const stock = 'template-stock.yaml';

const stockHeader = ` Written by \`npm run form\` from template.yaml: the same template with the scaffolder's stock fields, for a Backstage
 without the plugin in plugins/eg.`;

function withQuestions(text: string, customFields: boolean): Document {
  const document = parseDocument(text);
  document.setIn(
    ['spec', 'parameters'],
    document.createNode(formSchema({ customFields }), {
      aliasDuplicateObjects: false,
    }),
  );
  return document;
}

/**
 * Writes the questions of the schema into the templates.
 *
 * @param folder - the template's folder
 * @param check - change nothing
 * @returns the files that are not, or were not, what the schema says
 */
export async function writeForms(
  folder: string,
  check: boolean,
): Promise<string[]> {
  const text = await fs.readFile(join(folder, main), 'utf8');
  const stockForm = withQuestions(text.replace(/^(#.*\n)+/, ''), false);
  stockForm.commentBefore = stockHeader;
  const wanted = {
    [main]: withQuestions(text, true),
    [stock]: stockForm,
  };
  const changed: string[] = [];
  for (const [name, document] of Object.entries(wanted)) {
    const path = join(folder, name);
    const after = document.toString({ lineWidth: 0 });
    const before = await fs.readFile(path, 'utf8').catch(() => '');
    if (after !== before) {
      changed.push(name);
      if (!check) {
        await fs.writeFile(path, after);
      }
    }
  }
  return changed;
}
