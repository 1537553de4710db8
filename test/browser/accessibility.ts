import { Page } from 'playwright-core';

/**
 * Faults of Backstage’s own pages, each with the element that it is about: nothing that this project could change. Any
 * other element that breaks the same rule is reported.
 */
const stock: { rule: string; element: RegExp }[] = [
  // The tabs of a page’s header name panels that the page does not have.
  { rule: 'aria-valid-attr-value', element: /^<a class="bui-Tab / },
  // RepoUrlPicker names the box around the list of hosts instead of the list.
  {
    rule: 'aria-prohibited-attr',
    element: /aria-label="Host" data-testid="host-select"/,
  },
  { rule: 'select-name', element: /^<select [^>]*BackstageSelectInputBase/ },
];

/** Loads the package, which takes `this` for the browser’s window; Jest gives modules no `this`. */
function loadAxe(): typeof import('@axe-core/playwright') {
  const scope = globalThis as { window?: object };
  scope.window = {};
  try {
    return require('@axe-core/playwright');
  } finally {
    delete scope.window;
  }
}

/** What axe finds seriously wrong with the page as it is shown. */
export async function seriousFaults(page: Page): Promise<string[]> {
  // Colours on their way from one to the other are not what a person reads.
  await page.addStyleTag({
    content: '* { transition: none !important; animation: none !important }',
  });
  const { AxeBuilder } = loadAxe();
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) =>
      nodes
        .filter(
          ({ html }) =>
            !stock.some(
              ({ rule, element }) => rule === id && element.test(html),
            ),
        )
        .map(({ html }) => `${id}: ${help}: ${html}`),
    );
}
