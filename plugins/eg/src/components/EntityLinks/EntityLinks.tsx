import {
  Entity,
  getCompoundEntityRef,
  getEntitySourceLocation,
} from '@backstage/catalog-model';
import { useRouteRef } from '@backstage/frontend-plugin-api';
import { Flex, Link } from '@backstage/ui';
import { useEgTranslation } from '../../hooks/useEgTranslation';
import { docsRouteRef } from '../../routes';

const gatewayDocs = 'https://gateway.envoyproxy.io/docs/tasks/extensibility/';

/** The address of the repository's folder, where it is on the web. */
function sourceOf(entity: Entity): string | undefined {
  try {
    const { type, target } = getEntitySourceLocation(entity);
    return type === 'url' ? target : undefined;
  } catch {
    // An entity without a location has no repository to go to.
    return undefined;
  }
}

/** Where to go from the tab: the repository and the docs. */
export function EntityLinks(props: { entity: Entity }) {
  const { entity } = props;
  const { t } = useEgTranslation();
  const docsRoute = useRouteRef(docsRouteRef);
  const source = sourceOf(entity);
  const inRepository =
    source && new URL('docs/index.md', source.replace(/\/*$/, '/')).toString();
  const docs = entity.metadata.annotations?.['backstage.io/techdocs-ref']
    ? docsRoute?.(getCompoundEntityRef(entity)) ?? inRepository
    : undefined;
  return (
    <nav aria-label={t('tab.links')}>
      <Flex gap="4">
        {source && <Link href={source}>{t('tab.repository')}</Link>}
        {docs && <Link href={docs}>{t('tab.docs')}</Link>}
        <Link href={gatewayDocs}>{t('tab.gatewayDocs')}</Link>
      </Flex>
    </nav>
  );
}
