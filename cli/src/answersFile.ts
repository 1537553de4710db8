import fs from 'fs-extra';
import { parseDocument } from 'yaml';
import { Answers, parseAnswers, yamlData } from 'backstage-plugin-eg-common';

/**
 * Reads a file of answers, YAML or JSON.
 *
 * @throws Error naming the file, or every answer that is not valid
 */
export async function readAnswers(file: string): Promise<Answers> {
  const text = await fs.readFile(file, 'utf8').catch(error => {
    throw new Error(`--answers: cannot read ${file}: ${error.message}`);
  });
  let data: unknown;
  try {
    data = yamlData(parseDocument(text));
  } catch (error) {
    throw new Error(
      `--answers: ${file} is not YAML: ${(error as Error).message}`,
    );
  }
  return parseAnswers(data);
}
