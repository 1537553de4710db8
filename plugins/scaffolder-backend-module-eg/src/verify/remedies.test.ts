import { parseAnswers, plan } from 'backstage-plugin-eg-common';
import { howToTrust, Place, remedies, settingName } from './remedies';

const planOf = (implementation: 'extproc-go' | 'lua') =>
  plan(
    parseAnswers({
      name: 'my-extension',
      owner: 'group:default/platform',
      purpose: 'other',
      implementation,
    }),
  );

/** All that can be said at a place. */
function textsAt(place: Place): string {
  return [
    remedies.programs(place),
    remedies.envoy(place),
    remedies.program(place, 'cargo'),
    remedies.native(),
    remedies.dryRun(place, planOf('lua')),
    remedies.cluster(place),
    settingName(place, 'limits'),
    howToTrust(place),
  ].join('\n');
}

describe('remedies', () => {
  it.each<Place>(['task', 'dry-run'])(
    'name no option of a command in a %s',
    place => {
      expect(textsAt(place)).not.toMatch(/--[a-z]/);
      expect(textsAt(place)).toContain('egExtensions.verify.envoy');
    },
  );

  it.each<Place>(['verify', 'generate'])(
    'name nothing of the configuration at the command %s',
    place => expect(textsAt(place)).not.toMatch(/egExtensions|app-config/),
  );

  it('try out the workload where there is one', () => {
    expect(remedies.dryRun('generate', planOf('extproc-go'))).toContain(
      '-k k8s; kubectl apply --dry-run=server -k policy',
    );
    expect(remedies.dryRun('generate', planOf('lua'))).not.toContain('k8s');
  });
});
