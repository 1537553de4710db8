import axe from 'axe-core';

/** What axe finds wrong with what is shown, colours apart: jsdom does not compute them. */
export async function accessibilityFaults(
  container: Element,
): Promise<string[]> {
  const { violations } = await axe.run(container, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(node => `${id}: ${node.html}`),
  );
}
