import { Document, isNode, isPair, isScalar, YAMLMap } from 'yaml';

/** Path of a field in an object. */
type Path = readonly (string | number)[];

/**
 * A comment on a field: above it, or at the end of its line when `inline`.
 */
export interface FieldComment {
  path: Path;
  text: string;
  inline?: boolean;
}

function commented(text: string): string {
  return text
    .split('\n')
    .map(line => ` ${line}`)
    .join('\n');
}

/**
 * An object as YAML text with comments on fields. Strings that YAML 1.1 (Kubernetes' parsers) or 1.2 would read as
 * something else are quoted.
 *
 * @param object - plain data
 * @param comments - each names a field that exists
 * @param header - comment at the top of the file
 */
export function yamlFile(
  object: unknown,
  comments: readonly FieldComment[] = [],
  header?: string,
): string {
  const document = new Document(object, {
    compat: 'yaml-1.1',
    aliasDuplicateObjects: false,
  });
  for (const { path, text, inline } of comments) {
    const parent = document.getIn(path.slice(0, -1), true);
    const key = path[path.length - 1];
    const pair =
      parent instanceof YAMLMap
        ? parent.items.find(
            item =>
              isPair(item) && isScalar(item.key) && item.key.value === key,
          )
        : undefined;
    const node = inline ? pair?.value : pair?.key;
    if (!isNode(node)) {
      throw new Error(`no field ${path.join('.')} to comment on`);
    }
    if (inline) {
      node.comment = commented(text);
    } else {
      node.commentBefore = commented(text);
    }
  }
  if (header) {
    document.commentBefore = commented(header);
  }
  return document.toString({ lineWidth: 0, indentSeq: true });
}
