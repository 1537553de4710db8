import {
  ExtensionPlan,
  processorMemory,
  processorStop,
  secretNameOf,
  secretVariable,
} from '../plan';
import { labelsOf, ObjectFile, referenceGrant } from './envoyExtensionPolicy';

/** Name of the ConfigMap with the processor's settings; kustomize appends a hash, so that a change rolls the pods. */
export function settingsConfigMapName(plan: ExtensionPlan): string {
  return `${plan.name}-settings`;
}

/**
 * The external processor in the cluster: Deployment, Service, ServiceAccount; in production also PodDisruptionBudget
 * and HorizontalPodAutoscaler; a ReferenceGrant where the policy is in another namespace.
 */
export function workload(plan: ExtensionPlan): ObjectFile[] {
  const { namespace, port, metricsPort, image, replicas, services } =
    plan.extproc!;
  const labels = labelsOf(plan);
  const selector = { matchLabels: { 'app.kubernetes.io/name': plan.name } };
  const metadata = { name: plan.name, namespace, labels };
  const scaled = replicas.max > replicas.min;
  const memory = processorMemory(plan);
  const container = ['spec', 'template', 'spec', 'containers', 0];

  const deployment: ObjectFile = {
    path: 'k8s/deployment.yaml',
    object: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        // Where an autoscaler owns the number of replicas, naming one here would reset it on every apply.
        ...(scaled ? {} : { replicas: replicas.min }),
        selector,
        strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: plan.name,
            automountServiceAccountToken: false,
            terminationGracePeriodSeconds: processorStop.total,
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 65532,
              runAsGroup: 65532,
              seccompProfile: { type: 'RuntimeDefault' },
            },
            ...(scaled
              ? {
                  topologySpreadConstraints: [
                    {
                      maxSkew: 1,
                      topologyKey: 'kubernetes.io/hostname',
                      whenUnsatisfiable: 'ScheduleAnyway',
                      labelSelector: selector,
                    },
                  ],
                }
              : {}),
            containers: [
              {
                name: 'ext-proc',
                image: `${image.repository}:${image.tag}`,
                args: [
                  '-config',
                  '/etc/ext-proc/settings.json',
                  ...(memory.bodies
                    ? [
                        `-max-body-bytes=${memory.bodies.max}`,
                        `-max-collected-bytes=${memory.bodies.collected}`,
                      ]
                    : []),
                  `-drain-delay=${processorStop.drainDelay}s`,
                  `-grace=${processorStop.grace}s`,
                ],
                env: [
                  ...services.map(({ variable, placeholder }) => ({
                    name: variable,
                    value: placeholder,
                  })),
                  { name: 'GOMEMLIMIT', value: `${memory.goLimit}MiB` },
                ],
                ports: [
                  { name: 'grpc', containerPort: port },
                  { name: 'metrics', containerPort: metricsPort },
                ],
                readinessProbe: { grpc: { port }, periodSeconds: 5 },
                livenessProbe: {
                  grpc: { port },
                  periodSeconds: 10,
                  failureThreshold: 6,
                },
                resources: {
                  requests: { cpu: '100m', memory: '64Mi' },
                  limits: { memory: `${memory.limit}Mi` },
                },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ['ALL'] },
                },
                volumeMounts: [
                  {
                    name: 'settings',
                    mountPath: '/etc/ext-proc',
                    readOnly: true,
                  },
                  ...(plan.secrets.length
                    ? [
                        {
                          name: 'secrets',
                          mountPath: '/etc/ext-proc-secrets',
                          readOnly: true,
                        },
                      ]
                    : []),
                ],
              },
            ],
            volumes: [
              {
                name: 'settings',
                configMap: { name: settingsConfigMapName(plan) },
              },
              ...(plan.secrets.length
                ? [
                    {
                      name: 'secrets',
                      secret: {
                        secretName: secretNameOf(plan),
                        items: plan.secrets.map(({ name }) => ({
                          key: name,
                          path: name,
                        })),
                      },
                    },
                  ]
                : []),
            ],
          },
        },
      },
    },
    comments: [
      ...(image.placeholder
        ? [
            {
              path: [...container, 'image'],
              text: 'TODO: the registry that you push to.',
              inline: true,
            },
          ]
        : []),
      ...services.map(({ title }, i) => ({
        path: [...container, 'env', i, 'value'],
        text: `TODO: where your ${title} is.`,
        inline: true,
      })),
      ...(plan.secrets.length
        ? [
            {
              path: ['spec', 'template', 'spec', 'volumes', 1, 'secret'],
              text: `Made by its owner, never from this repository; see README.md. Keys: ${plan.secrets
                .map(({ name, description }) => `${name} (${description})`)
                .join(', ')}.`,
            },
          ]
        : []),
      {
        path: [...container, 'resources'],
        text: 'The memory is for -max-collected-bytes and the state of the settings; see docs/production.md. No CPU limit: throttling a processor adds its delay to every request of the gateway.',
      },
    ],
  };

  const files: ObjectFile[] = [
    deployment,
    {
      path: 'k8s/service.yaml',
      object: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: {
          selector: selector.matchLabels,
          ports: [
            {
              name: 'grpc',
              port,
              targetPort: 'grpc',
              appProtocol: 'kubernetes.io/h2c',
            },
            { name: 'metrics', port: metricsPort, targetPort: 'metrics' },
          ],
        },
      },
      comments: [],
    },
    {
      path: 'k8s/serviceaccount.yaml',
      object: {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata,
        automountServiceAccountToken: false,
      },
      comments: [],
    },
  ];
  if (plan.environment === 'production') {
    files.push(
      {
        path: 'k8s/poddisruptionbudget.yaml',
        object: {
          apiVersion: 'policy/v1',
          kind: 'PodDisruptionBudget',
          metadata,
          spec: {
            maxUnavailable: 1,
            unhealthyPodEvictionPolicy: 'AlwaysAllow',
            selector,
          },
        },
        comments: [],
      },
      {
        path: 'k8s/horizontalpodautoscaler.yaml',
        object: {
          apiVersion: 'autoscaling/v2',
          kind: 'HorizontalPodAutoscaler',
          metadata,
          spec: {
            scaleTargetRef: {
              apiVersion: 'apps/v1',
              kind: 'Deployment',
              name: plan.name,
            },
            minReplicas: replicas.min,
            maxReplicas: replicas.max,
            metrics: [
              {
                type: 'Resource',
                resource: {
                  name: 'cpu',
                  target: { type: 'Utilization', averageUtilization: 70 },
                },
              },
            ],
          },
        },
        comments: [],
      },
    );
  }
  if (namespace !== plan.policy.namespace) {
    files.push(referenceGrant(plan));
  }
  return files;
}

/** What the processor asks, for a trial where nobody runs it yet: one replica that keeps nothing over a restart. */
export function dependencies(plan: ExtensionPlan): ObjectFile[] {
  const { namespace, services } = plan.extproc!;
  return services.flatMap(({ host: name, container }) => {
    if (!container) {
      return [];
    }
    const labels = { ...labelsOf(plan), 'app.kubernetes.io/name': name };
    const metadata = { name, namespace, labels };
    const selector = { 'app.kubernetes.io/name': name };
    const { image, port, command, secret } = container;
    return [
      {
        path: `k8s/dependencies/deployment-${name}.yaml`,
        object: {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata,
          spec: {
            replicas: 1,
            selector: { matchLabels: selector },
            template: {
              metadata: { labels },
              spec: {
                automountServiceAccountToken: false,
                securityContext: {
                  runAsNonRoot: true,
                  runAsUser: 65532,
                  runAsGroup: 65532,
                  seccompProfile: { type: 'RuntimeDefault' },
                },
                containers: [
                  {
                    name,
                    image,
                    ...(command ? { command: ['sh', '-c', command] } : {}),
                    ...(secret
                      ? {
                          env: [
                            {
                              name: secretVariable(secret),
                              valueFrom: {
                                secretKeyRef: {
                                  name: secretNameOf(plan),
                                  key: secret,
                                },
                              },
                            },
                          ],
                        }
                      : {}),
                    ports: [{ name: 'main', containerPort: port }],
                    readinessProbe: { tcpSocket: { port } },
                    resources: {
                      requests: { cpu: '100m', memory: '128Mi' },
                      limits: { memory: '512Mi' },
                    },
                    securityContext: {
                      allowPrivilegeEscalation: false,
                      capabilities: { drop: ['ALL'] },
                    },
                  },
                ],
              },
            },
          },
        },
        comments: [],
      },
      {
        path: `k8s/dependencies/service-${name}.yaml`,
        object: {
          apiVersion: 'v1',
          kind: 'Service',
          metadata,
          spec: {
            selector,
            ports: [{ name: 'main', port, targetPort: 'main' }],
          },
        },
        comments: [],
      },
    ];
  });
}
