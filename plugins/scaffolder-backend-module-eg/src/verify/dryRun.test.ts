import { judgeDryRun } from './dryRun';

// The answers are those of kube-apiserver 1.36.3 with the CRDs of Envoy Gateway 1.9.1.
const manifest = {
  file: 'policy/envoyextensionpolicy.yaml',
  object: {
    apiVersion: 'gateway.envoyproxy.io/v1alpha1',
    kind: 'EnvoyExtensionPolicy',
    metadata: { name: 'p1', namespace: 'shop' },
  },
};
const what = 'policy/envoyextensionpolicy.yaml: EnvoyExtensionPolicy shop/p1';

const answer = (status: number, body: object, warnings: string[] = []) => ({
  status,
  body: { kind: 'Status', code: status, ...body },
  warnings,
});

const conflict = answer(409, {
  message:
    'Apply failed with 2 conflicts: conflicts with "kubectl-client-side-apply" using gateway.envoyproxy.io/v1alpha1:\n- .metadata.labels.a\n- .spec.lua',
  reason: 'Conflict',
  details: {
    causes: ['.metadata.labels.a', '.spec.lua'].map(field => ({
      reason: 'FieldManagerConflict',
      message:
        'conflict with "kubectl-client-side-apply" using gateway.envoyproxy.io/v1alpha1',
      field,
    })),
  },
});

describe('what an answer to a dry run says', () => {
  it.each([
    [
      'would be created',
      answer(201, {}),
      [{ result: 'holds', text: `${what} would be created` }],
    ],
    [
      'exists',
      answer(200, {}, ['spec.a is deprecated']),
      [
        {
          result: 'holds',
          text: `${what} exists and would be changed to this`,
        },
        { result: 'note', text: `${what}: spec.a is deprecated` },
      ],
    ],
    [
      'is owned by others',
      conflict,
      [
        {
          result: 'problem',
          text: expect.stringContaining(
            `${what} exists already, and others own fields that this changes: .metadata.labels.a, .spec.lua (kubectl-client-side-apply). Choose another name`,
          ),
        },
      ],
    ],
    [
      'breaks a rule',
      answer(422, {
        message:
          'EnvoyExtensionPolicy.gateway.envoyproxy.io "p1" is invalid: spec: Invalid value: this policy can only have …',
        reason: 'Invalid',
        details: {
          causes: [
            {
              reason: 'FieldValueInvalid',
              message: 'Invalid value: this policy can only have …',
              field: 'spec',
            },
          ],
        },
      }),
      [
        {
          result: 'problem',
          text: `${what}: spec: Invalid value: this policy can only have …`,
        },
      ],
    ],
    [
      'has an unknown field',
      answer(500, {
        message:
          'failed to create typed patch object (default/p1; gateway.envoyproxy.io/v1alpha1, Kind=EnvoyExtensionPolicy): .spec.luaa: field not declared in schema',
      }),
      [
        {
          result: 'problem',
          text: expect.stringContaining(
            '.spec.luaa: field not declared in schema',
          ),
        },
      ],
    ],
    [
      'is for a namespace that is not there',
      answer(404, {
        message: 'namespaces "shop" not found',
        reason: 'NotFound',
        details: { name: 'shop', kind: 'namespaces' },
      }),
      [
        {
          result: 'unknown',
          text: `${what}: namespace shop does not exist yet; create it before you apply: kubectl create namespace shop`,
        },
      ],
    ],
    [
      'may not be tried',
      answer(403, {
        message:
          'envoyextensionpolicies.gateway.envoyproxy.io "p1" is forbidden: User "system:serviceaccount:default:bs" cannot create resource "envoyextensionpolicies" in API group "gateway.envoyproxy.io" in the namespace "shop"',
        reason: 'Forbidden',
      }),
      [
        {
          result: 'unknown',
          text: expect.stringContaining('grant it to Backstage’s account'),
        },
      ],
    ],
    [
      'is refused by an admission policy',
      answer(403, {
        message:
          "envoyextensionpolicies.gateway.envoyproxy.io \"p1\" is forbidden: ValidatingAdmissionPolicy 'team' with binding 'team' denied request: names begin with the team",
        reason: 'Forbidden',
        details: { causes: [{ message: 'names begin with the team' }] },
      }),
      [{ result: 'problem', text: `${what}: names begin with the team` }],
    ],
    [
      'meets a webhook that fails',
      answer(500, {
        message: 'Internal error occurred: failed calling webhook "x"',
      }),
      [
        {
          result: 'unknown',
          text: expect.stringContaining('the API server answers 500: Internal'),
        },
      ],
    ],
    [
      'is of a kind that the cluster does not know',
      undefined,
      [
        {
          result: 'problem',
          text: expect.stringContaining(
            'the cluster does not know EnvoyExtensionPolicy of gateway.envoyproxy.io/v1alpha1; install what brings it',
          ),
        },
      ],
    ],
  ])('%s', (_, given, findings) => {
    expect(judgeDryRun(manifest, given)).toEqual(findings);
  });

  it('expects a route to exist that its owner merges by hand', () => {
    expect(judgeDryRun({ ...manifest, byHand: true }, conflict)).toEqual([
      {
        result: 'note',
        text: `${what} exists, to be merged by hand: .metadata.labels.a, .spec.lua (kubectl-client-side-apply)`,
      },
    ]);
  });
});
