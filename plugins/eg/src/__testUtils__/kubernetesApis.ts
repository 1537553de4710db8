import { ObjectsByEntityResponse } from '@backstage/plugin-kubernetes-common';
import {
  kubernetesApiRef,
  kubernetesAuthProvidersApiRef,
} from '@backstage/plugin-kubernetes-react';

type Item = ObjectsByEntityResponse['items'][number];

/** The APIs of the Kubernetes plugin, answering with what a back end would. */
export function kubernetesApis(
  items: Item[] | Error,
  clusterNames: string[] | Error = ['local'],
) {
  const answer = <T>(value: T | Error) =>
    value instanceof Error ? Promise.reject(value) : Promise.resolve(value);
  const api = {
    getClusters: jest.fn(() =>
      answer(
        clusterNames instanceof Error
          ? clusterNames
          : clusterNames.map(name => ({
              name,
              authProvider: 'serviceAccount',
            })),
      ),
    ),
    getCustomObjectsByEntity: jest.fn((_request: unknown) =>
      answer(items instanceof Error ? items : { items }),
    ),
  };
  return {
    api,
    apis: [
      [kubernetesApiRef, api],
      [
        kubernetesAuthProvidersApiRef,
        {
          decorateRequestBodyForAuth: async (_: string, body: unknown) => body,
        },
      ],
    ] as const,
  };
}
