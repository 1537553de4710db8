import { parseAnswers } from './answers';
import { plan } from '../plan';

/** As serializeRepoPickerUrl of @backstage/plugin-scaffolder writes what a person chose. */
function picked(host: string, chosen: Record<string, string>): string {
  return `${host}?${new URLSearchParams(chosen)}`;
}

const repositoryOf = (repoUrl: string) =>
  plan(
    parseAnswers({
      name: 'mask-cards',
      owner: 'group:default/pay',
      purpose: 'other',
      repoUrl,
    }),
  ).repository;

describe('repoUrl', () => {
  it.each([
    ['github.com', { owner: 'acme', repo: 'a' }, 'acme'],
    ['ghe.example.com:8443', { owner: 'acme', repo: 'a' }, 'acme'],
    ['gitlab.com', { owner: 'acme/payments', repo: 'a' }, 'acme/payments'],
    ['gitlab.com', { owner: 'acme/pay/eu', repo: 'a' }, 'acme/pay/eu'],
    [
      'dev.azure.com',
      { organization: 'acme', project: 'Card Payments (EU)', repo: 'a' },
      'acme/Card Payments (EU)',
    ],
    [
      'bitbucket.org',
      { workspace: 'acme', project: 'PAY', repo: 'a' },
      'acme/PAY',
    ],
    ['git.example.com', { project: '~alice', repo: 'a' }, '~alice'],
    ['gitlab.com', { owner: 'zahlungen/größe', repo: 'a' }, 'zahlungen/größe'],
    ['gerrit.example.com', { repo: 'a' }, ''],
  ])('is read as RepoUrlPicker writes it: %s %j', (host, chosen, owner) => {
    expect(
      repositoryOf(picked(host, chosen as Record<string, string>)),
    ).toEqual({ host, owner, name: 'a' });
  });

  it('is read as a person writes it', () => {
    expect(repositoryOf('gitlab.com?owner=acme%2Fpayments&repo=a')).toEqual({
      host: 'gitlab.com',
      owner: 'acme/payments',
      name: 'a',
    });
    expect(repositoryOf('dev.azure.com?project=a%20b&repo=c')).toMatchObject({
      owner: 'a b',
    });
  });

  it.each([
    ['github.com?owner=acme', 'name the repository'],
    ['github.com?repo=a', 'name the owner'],
    ['github.com?owner=&repo=a', 'correct owner'],
    ['github.com?owner=acme&owner=other&repo=a', 'give owner once'],
    ['github.com?owner=acme&repo=a&branch=main', 'leave out "branch"'],
    ['github.com:99999?owner=acme&repo=a', 'use the form'],
    ['github.com/x?owner=acme&repo=a', 'use the form'],
    ['github.com?owner=acme&repo=a#b', 'use the form'],
    ...[
      '%0A',
      '%60',
      '%3Cimg%3E',
      '$%7B%7Bx%7D%7D',
      '%7C',
      'a%2F%2Fb',
      '%2Fa',
      '%20a',
      '%E2%80%AE',
    ].map((owner): [string, string] => [
      `gitlab.com?owner=${owner}&repo=a`,
      'correct owner',
    ]),
  ])('refuses %s', (repoUrl, remedy) => {
    expect(() => repositoryOf(repoUrl)).toThrow(remedy);
  });
});
