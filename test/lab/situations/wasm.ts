import { purposeOf } from 'backstage-plugin-eg-common';
import {
  accepted,
  Answer,
  fails,
  passes,
  policy,
  refused,
  Situation,
  works,
} from './situation';

const files = 'http://10.99.0.4:8000';
const image = 'registry.lab:5443/wasm:v1';

const wasm = (name: string, code: object, failOpen = false) =>
  policy(name, {
    wasm: [
      {
        name: 'demo',
        rootID: 'my_root_id',
        failOpen,
        code,
        config: purposeOf('header-transform').settings.parse({
          response: [{ action: 'set', name: 'x-processed-by', value: 'wasm' }],
        }),
      },
    ],
  });

const http = (file: string, more: object = {}) => ({
  type: 'HTTP',
  http: { url: `${files}/${file}`, ...more },
});

const oci = (url: string, more: object = {}) => ({
  type: 'Image',
  image: { url, ...more },
});

const ca = (name: string) => ({
  tls: { caCertificateRef: { group: '', kind: 'ConfigMap', name } },
});

const refusedWith = (
  name: string,
  code: object,
  failOpen = false,
): Situation => ({
  name,
  objects: [wasm(name, code, failOpen)],
  conditions: refused,
  answer: failOpen ? passes : fails,
});

const acceptedWith = (
  name: string,
  file: string,
  answer: Answer,
): Situation => ({
  name,
  objects: [wasm(name, http(file))],
  conditions: accepted,
  answer,
});

/** What may become of a policy with a Wasm module. */
export const wasmSituations: Situation[] = [
  acceptedWith('accepted-wasm', 'plugin.wasm', works),
  // It has the header of a module, and nothing else.
  acceptedWith('accepted-wasm-not-loadable', 'empty.wasm', {
    status: 503,
    processed: false,
  }),
  refusedWith('wasm-http-404', http('nosuch.wasm')),
  refusedWith('wasm-http-404-fail-open', http('nosuch.wasm'), true),
  refusedWith('wasm-unreachable', {
    type: 'HTTP',
    http: { url: 'http://10.99.0.4:9/plugin.wasm' },
  }),
  refusedWith(
    'wasm-wrong-sha256',
    http('empty.wasm', {
      // Of another file.
      sha256:
        'fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9',
    }),
  ),
  refusedWith('wasm-not-wasm', http('page.html')),
  refusedWith('wasm-image-not-found', oci(image, ca('lab-ca'))),
  refusedWith('wasm-image-unreachable', oci('10.99.0.4:9/wasm:v1')),
  refusedWith(
    'wasm-image-denied',
    oci('registry.lab:5444/wasm:v1', ca('lab-ca')),
  ),
  refusedWith('wasm-ca-not-trusted', oci(image)),
  refusedWith(
    'wasm-pull-secret-missing',
    oci(image, {
      pullSecretRef: { group: '', kind: 'Secret', name: 'nope' },
    }),
  ),
  refusedWith('wasm-ca-configmap-missing', oci(image, ca('nope'))),
];
