import { Document } from 'yaml';

/**
 * What is wrong with a text that is not YAML, and where. The parser quotes the lines around it, which may hold secrets;
 * this does not.
 *
 * @public
 * @param error - an error of the yaml package
 */
export function yamlProblem(error: {
  message: string;
  linePos?: readonly { line: number; col: number }[];
}): string {
  const [message = ''] = error.message.split(/:| at line /);
  const [start] = error.linePos ?? [];
  return start
    ? `${message} at line ${start.line}, column ${start.col}`
    : message;
}

/**
 * What a YAML document says.
 *
 * @public
 * @param document - what the yaml package made of a text
 * @throws Error with {@link yamlProblem} where it is not YAML
 */
export function yamlData(document: Document.Parsed): any {
  const [error] = document.errors;
  if (error) {
    throw new Error(yamlProblem(error));
  }
  try {
    return document.toJS();
  } catch (e) {
    // An alias without an anchor, or too many of them.
    throw new Error(yamlProblem(e as Error));
  }
}
