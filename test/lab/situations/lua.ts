import {
  accepted,
  fails,
  lua as script,
  policy,
  refused,
  Situation,
  works,
} from './situation';

const inline = (name: string, text: string) =>
  policy(name, { lua: [{ type: 'Inline', inline: text }] });

/** What may become of a policy with a Lua script. */
export const lua: Situation[] = [
  {
    name: 'accepted-lua',
    objects: [policy('accepted-lua', { lua: script })],
    conditions: accepted,
    answer: works,
  },
  {
    name: 'lua-disabled',
    settings: { enableLua: false },
    objects: [policy('lua-disabled', { lua: script })],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'two-problems',
    settings: { enableLua: false },
    objects: [
      policy('two-problems', {
        lua: script,
        extProc: [{ backendRefs: [{ name: 'nosvc', port: 9002 }] }],
      }),
    ],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'lua-syntax',
    objects: [
      inline('lua-syntax', 'function envoy_on_response(h)\n  if\nend\n'),
    ],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'lua-no-entry-point',
    objects: [inline('lua-no-entry-point', 'local a = 1\n')],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'lua-unknown-method',
    objects: [
      inline(
        'lua-unknown-method',
        'function envoy_on_response(h)\n  h:nosuch()\nend\n',
      ),
    ],
    conditions: refused,
    answer: fails,
  },
  {
    name: 'lua-configmap-missing',
    objects: [
      policy('lua-configmap-missing', {
        lua: [
          {
            type: 'ValueRef',
            valueRef: { group: '', kind: 'ConfigMap', name: 'no-cm' },
          },
        ],
      }),
    ],
    conditions: refused,
    answer: fails,
  },
];
