import {
  createTranslationRef,
  TranslationFunction,
  TranslationRef,
} from '@backstage/frontend-plugin-api';

/**
 * The texts of the plugin. What is said about mechanisms and conditions is part of the domain, and not here.
 *
 * @public
 */
export const egTranslationRef = createTranslationRef({
  id: 'plugin.eg',
  messages: {
    copy: {
      action: 'Copy {{what}}',
      done: 'Copied',
      failed: 'Could not copy; select the text instead',
    },
    advice: {
      title: 'The advice',
      decision: 'Build it as {{title}}',
      announcement: 'The advice is: {{decision}}',
      incomplete: 'The advice follows when these questions are answered',
      problems: 'There is no advice for these answers',
      refused: 'What you chose cannot be built with these answers',
      noReasons: 'None of your answers asks for another implementation.',
      ranking: 'What is possible, the best first',
      rankingHelp:
        'Each reason for an implementation adds points, each reason against it takes some away. The advice is the one with the most points that can be generated.',
      score_one: '{{count}} point',
      score_other: '{{count}} points',
      adviceOnly: 'not generated here',
      contradictions: 'Decide this first',
      hybrid: 'What Envoy Gateway does itself',
      confidence: 'How sure this is',
      confidenceHigh: 'High confidence. {{reason}}',
      confidenceMedium: 'Medium confidence. {{reason}}',
      confidenceLow: 'Low confidence. {{reason}}',
      rejected: 'What is not possible',
      rejectedNone: 'No implementation is ruled out.',
      unknown: 'What is not known yet',
      warnings: 'What to watch',
      for: 'For it',
      against: 'Against it',
      choice: 'What is built',
      choiceHelp:
        'Take another implementation if you know something that the answers do not say.',
      recommended: 'What the advice says: {{title}}',
      other: '{{title}} instead',
      pinned: '{{title}}, even if the advice changes',
      impossible: '{{title}} (cannot do it)',
      consequences: 'You chose {{chosen}}; the advice is {{recommended}}',
      consequencesAgainst: 'What speaks against {{chosen}}',
      consequencesLost: 'What you give up with {{recommended}}',
      consequencesNone: 'Nothing in your answers speaks against it.',
      preview: 'What will be written',
      previewHelp:
        'The Kubernetes manifests. The repository also has the code, tests, docs and the catalog entry.',
      previewHelpNative:
        'The Kubernetes manifests. The repository also has checks of them, docs and the catalog entry; there is no code.',
      previewFailed: 'The manifests cannot be shown yet',
      problem: '{{question}} (step “{{step}}”): {{remedy}}',
      problemElsewhere: '{{question}}: {{remedy}}',
      invalid: '{{value}} is not valid; {{remedy}}',
    },
    settings: {
      noPurpose: 'Choose a purpose first; its settings appear here.',
      example: 'Insert the example',
      reset: 'Start again',
    },
    state: {
      Accepted: 'Accepted by the gateway',
      BackendNotReady: 'Processor not ready',
      NotAccepted: 'Not accepted',
      Conflicted: 'Conflicted',
      Overridden: 'Overridden',
      Merged: 'Merged',
      Incomplete: 'Accepted, but incomplete',
      NoStatus: 'No status',
      NotAttached: 'Not attached',
      Stale: 'Stale',
      Unknown: 'Unknown',
      NotDeployed: 'Not deployed',
    },
    severity: {
      error: 'Problem',
      warning: 'Warning',
      info: 'Note',
    },
    tab: {
      title: 'Gateway extension',
      summary_one: '{{count}} object',
      summary_other: '{{count}} objects',
      loading: 'Asking the clusters',
      refreshFailed:
        'The last refresh failed; this is what was there before. {{error}}',
      search: 'Search objects',
      searchPlaceholder: 'Kind, name, namespace, cluster, target or state',
      noMatch: 'Nothing matches “{{search}}”.',
      range: '{{from}} to {{to}} of {{total}}',
      notIn: 'Not deployed in: {{clusters}}',
      repository: 'Repository',
      docs: 'Documentation of the extension',
      gatewayDocs: 'Envoy Gateway’s documentation',
      links: 'Links',
    },
    policy: {
      title: '{{kind}} {{namespace}}/{{name}} in {{cluster}}',
      features: 'Features',
      noFeatures: 'none',
      targets: 'Targets',
      section: '{{target}}, section {{section}}',
      noTargets: 'none',
      age: 'Age',
      unknownAge: 'unknown',
      generation: 'Generation',
      generationText: '{{generation}}, status is about {{observed}}',
      generationUnjudged: '{{generation}}, no status',
      hints: 'What it means and what to do',
      concerns: 'Concerns {{ancestors}}',
      ancestors: 'What is reported',
      noAncestors: 'No gateway has reported on it.',
      noConditions: 'No conditions.',
      controller: 'Reported by {{controller}}',
      yaml: 'YAML',
    },
    workload: {
      title: 'External processor',
      known: 'Known',
      bad: 'Problem',
      unknown: 'Not known',
      none: 'No Deployment in {{cluster}} carries the label of this entity, so whether the processor runs is not known.',
      forbidden:
        'Whether the processor runs is not known: Backstage may not list Deployments or Pods in {{cluster}}.',
      warning:
        'The external processor in {{cluster}} is not ready: what it should process fails or waits',
      ready: 'Ready',
      notReady: 'Not ready',
      deployment: 'Deployment {{name}}: {{ready}} of {{wanted}} replicas ready',
      pods: 'Pods',
      noPods: 'No pods.',
      pod_one: '{{name}}: {{phase}}, {{count}} restart',
      pod_other: '{{name}}: {{phase}}, {{count}} restarts',
    },
    problem: {
      'plugin-missing': {
        title: 'The Kubernetes plugin is not installed in this Backstage',
        remedy:
          'Install @backstage/plugin-kubernetes in the app and @backstage/plugin-kubernetes-backend in the back end. Until then, look with: kubectl get eep,securitypolicies.gateway.envoyproxy.io,btp,ctp,envoypatchpolicies,httproutes -l backstage.io/kubernetes-id={{id}} -A -o yaml',
      },
      'no-cluster': {
        title: 'No cluster is configured',
        remedy:
          'Add one under kubernetes.clusterLocatorMethods in app-config.yaml, with a service account that may list the kinds of examples/kubernetes/backstage.yaml.',
      },
      'backend-missing': {
        title: 'Backstage’s Kubernetes back end does not answer',
        remedy:
          'Install @backstage/plugin-kubernetes-backend in the back end and give it a kubernetes section in app-config.yaml.',
      },
      'not-permitted': {
        title: 'You are not permitted to see Kubernetes objects in Backstage',
        remedy:
          'Ask whoever keeps the permission policy for kubernetes.clusters.read and kubernetes.resources.read.',
      },
      failed: {
        title: 'The clusters could not be asked',
        remedy:
          'The page tries again by itself. If it stays, look at the log of Backstage’s back end.',
      },
      unreachable: {
        title: 'Cluster {{cluster}} cannot be reached',
        remedy:
          'Check the address in kubernetes.clusterLocatorMethods, and that Backstage’s back end may connect to it.',
      },
      unauthorized: {
        title: 'Cluster {{cluster}} does not accept Backstage’s credentials',
        remedy:
          'Renew the service account token of the cluster in app-config.yaml (serviceAccountToken), or sign in again.',
      },
      forbidden: {
        title: 'Backstage may not read these kinds in {{cluster}}: {{kinds}}',
        remedy:
          'Give its service account the verbs get and list on {{resources}}, by a ClusterRole and a ClusterRoleBinding. Until then, objects of these kinds are not shown.',
      },
      'crd-missing': {
        title: '{{software}} is not installed in {{cluster}}',
        remedy:
          'The cluster does not know {{kinds}}. Install {{software}} with its CRDs, or look in another cluster.',
      },
      'not-deployed': {
        title: 'Nothing is deployed yet',
        remedy:
          'In the extension’s repository: kubectl apply -k policy, for an external processor after kubectl apply -k k8s and once its pods are ready. Objects are found by their label backstage.io/kubernetes-id={{id}}.',
      },
      other: {
        title: 'Cluster {{cluster}} answered with an error',
        remedy:
          'Look at the log of Backstage’s back end; the request to the cluster is in it.',
      },
      detail: 'What was reported: {{detail}}',
    },
    card: {
      title: 'Gateway extension',
      worst: 'The gravest: {{policy}}',
      open: 'Details of every object and gateway',
    },
  },
});

/** What gives a text in the person's language. */
export type Translate = typeof egTranslationRef extends TranslationRef<
  string,
  infer Messages
>
  ? TranslationFunction<Messages>
  : never;
