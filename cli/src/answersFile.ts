import fs from 'fs-extra';
import { parseDocument } from 'yaml';
import { Answers, parseAnswers } from 'backstage-plugin-eg-common';

/**
 * Reads a file of answers, YAML or JSON.
 *
 * @throws Error naming the file, or every answer that is not valid
 */
export async function readAnswers(file: string): Promise<Answers> {
  const text = await fs.readFile(file, 'utf8').catch(error => {
    throw new Error(`--answers: cannot read ${file}: ${error.message}`);
  });
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem) {
    throw new Error(`--answers: ${file} is not YAML: ${problem.message}`);
  }
  return parseAnswers(document.toJS());
}
