import {
  BackendFact,
  LiveBackend,
  LiveDeployment,
  LivePolicy,
  LiveTlsPolicy,
} from './types';

interface BackendRef {
  kind?: string;
  name?: string;
  namespace?: string;
}

/** A Service that a policy's external processors are reached by. */
interface Service {
  name: string;
  namespace: string;
}

/** The label that says whose endpoints an EndpointSlice has. */
const serviceLabel = 'kubernetes.io/service-name';

function servicesOf({ metadata, spec = {} }: LivePolicy): Service[] {
  const refs = (spec.extProc ?? []).flatMap(
    entry => (entry.backendRefs as BackendRef[] | undefined) ?? [],
  );
  return refs
    .filter(({ kind = 'Service' }) => kind === 'Service')
    .map(({ name = '', namespace }) => ({
      name,
      namespace: namespace ?? metadata?.namespace ?? 'default',
    }));
}

function endpointFact(
  { name, namespace }: Service,
  slices: LiveBackend['endpointSlices'],
): BackendFact {
  const service = `Service ${namespace}/${name}`;
  const own = slices?.filter(
    ({ metadata = {} }) =>
      (metadata.namespace ?? 'default') === namespace &&
      metadata.labels?.[serviceLabel] === name,
  );
  if (!own || own.length === 0) {
    return {
      state: 'unknown',
      text: slices
        ? `${service}: no EndpointSlice of it carries the label of this entity, so whether it has ready endpoints is not known.`
        : `${service}: Backstage may not list EndpointSlices, so whether it has ready endpoints is not known.`,
    };
  }
  const endpoints = own.flatMap(slice => slice.endpoints ?? []);
  // Absent means ready, by the API.
  const ready = endpoints.filter(e => e.conditions?.ready !== false).length;
  return {
    state: ready > 0 ? 'good' : 'bad',
    text: `${service}: ${ready} of ${endpoints.length} endpoints ready.`,
  };
}

function tlsFact(policy: LiveTlsPolicy): BackendFact {
  const { metadata = {}, spec = {}, status } = policy;
  const name = `BackendTLSPolicy ${metadata.namespace ?? 'default'}/${
    metadata.name ?? ''
  }`;
  const conditions = (status?.ancestors ?? []).flatMap(a => a.conditions ?? []);
  const refused = conditions.find(c => c.status === 'False');
  if (refused) {
    return {
      state: 'bad',
      text: `${name}: ${refused.type}=False ${refused.reason ?? ''}: ${
        refused.message ?? ''
      }`,
    };
  }
  return conditions.length > 0
    ? {
        state: 'good',
        text: `${name} is accepted. Whether the processor’s certificate is for ${
          spec.validation?.hostname ?? 'its hostname'
        }, only a request shows.`,
      }
    : {
        state: 'bad',
        text: `${name} has no status: its sectionName or target does not exist, and it is ignored.`,
      };
}

/** How many replicas of a Deployment are ready is shown elsewhere; that none is concerns every request. */
function deploymentFacts({
  metadata = {},
  status,
}: LiveDeployment): BackendFact[] {
  const name = `${metadata.namespace ?? 'default'}/${metadata.name ?? ''}`;
  return (status?.readyReplicas ?? 0) > 0
    ? []
    : [{ state: 'bad', text: `Deployment ${name}: no replica is ready.` }];
}

/**
 * What is known of the external processors of a policy. Of other extensions a cluster holds nothing that tells whether
 * they run.
 */
export function backendFacts(
  policy: LivePolicy,
  { deployments = [], endpointSlices, tlsPolicies = [] }: LiveBackend,
): BackendFact[] {
  if (!policy.spec?.extProc?.length) {
    return [];
  }
  const services = servicesOf(policy);
  const ofServices = tlsPolicies.filter(({ metadata, spec }) =>
    services.some(
      ({ name, namespace }) =>
        (metadata?.namespace ?? 'default') === namespace &&
        spec?.targetRefs?.some(
          ref => ref.kind === 'Service' && ref.name === name,
        ),
    ),
  );
  return [
    ...services.map(service => endpointFact(service, endpointSlices)),
    ...ofServices.map(tlsFact),
    ...deployments.flatMap(deploymentFacts),
  ];
}
