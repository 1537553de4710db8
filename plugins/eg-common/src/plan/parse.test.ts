import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';
import { parse } from 'yaml';
import { implementations } from '../implementations';
import { parseAnswers } from '../intake';
import { renderFiles } from '../policy';
import { purposes } from '../purposes';
import { readableVersions } from './migrations';
import { parsePlan } from './parse';
import { plan } from './plan';
import { planVersion } from './versions';

const folder = join(__dirname, '__fixtures__');
const older = readableVersions.filter(version => version !== planVersion);

/** eg-extension.yaml files as releases wrote them, by version. */
const fixtures = older.flatMap(version => {
  const directory = join(folder, version.split('/')[1]!);
  return readdirSync(directory).map(name => ({
    name,
    version,
    written: parse(readFileSync(join(directory, name), 'utf8')),
  }));
});

const planned = () =>
  plan(
    parseAnswers({
      name: 'my-extension',
      owner: 'group:default/platform',
      purpose: 'other',
    }),
  );

/** A plan as it lies in a file, with changes. */
const changed = (change: object) => ({
  ...JSON.parse(JSON.stringify(planned())),
  ...change,
});

function messageFor(input: unknown): string {
  try {
    parsePlan(input);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the plan was taken');
}

describe('plans of older releases', () => {
  it('are there for every version, implementation and purpose', () => {
    for (const version of older) {
      const plans = fixtures
        .filter(fixture => fixture.version === version)
        .map(({ written }) => written);
      expect(new Set(plans.map(({ apiVersion }) => apiVersion))).toEqual(
        new Set([version]),
      );
      expect([...new Set(plans.map(p => p.implementation))].sort()).toEqual(
        [...implementations.map(({ id }) => id), 'native'].sort(),
      );
      expect([...new Set(plans.map(p => p.purpose))].sort()).toEqual(
        purposes.map(({ id }) => id).sort(),
      );
    }
  });

  it.each(fixtures)('$name of $version is read', ({ written }) => {
    const read = parsePlan(written);
    expect(read.apiVersion).toBe(planVersion);
    // What it said, it still says; but for native features, which became a list, and a setting that has another name, a
    // migration only adds.
    const { native, recommendation, settings, ...said } = written;
    const { native: advised, ...advice } = recommendation;
    const { encoded, ...others } = settings ?? {};
    expect(read.settings).toMatchObject(
      encoded !== undefined
        ? { ...others, unreadable: encoded === 'pass' ? 'pass' : 'reject' }
        : settings ?? {},
    );
    expect({ ...read, apiVersion: written.apiVersion }).toMatchObject(said);
    expect(read.recommendation).toMatchObject(advice);
    expect(read.recommendation.native).toMatchObject(advised ? [advised] : []);
    const { objects, ...need } = native ?? {};
    expect(read.native?.objects).toEqual(objects);
    expect(read.native?.needs ?? []).toMatchObject(native ? [need] : []);
    // What it is read as is complete, and a plan of the current version.
    expect(parsePlan(JSON.parse(JSON.stringify(read)))).toEqual(read);
    expect(Object.keys(renderFiles(read, ''))).toContain('eg-extension.yaml');
  });
});

describe('parsePlan', () => {
  it('reads back what plan wrote', () => {
    const written = planned();
    expect(written.apiVersion).toBe(planVersion);
    expect(parsePlan(JSON.parse(JSON.stringify(written)))).toEqual(written);
  });

  it('says which versions it reads, and what to do about a newer one', () => {
    const newer = 'envoy-gateway-extensions-builder/v1beta7';
    const message = messageFor(changed({ apiVersion: newer }));
    expect(message).toContain(`plan.apiVersion: "${newer}" is not valid`);
    for (const version of readableVersions) {
      expect(message).toContain(version);
    }
    expect(message).toContain('update the Extensions Builder');
    expect(messageFor(changed({ apiVersion: 'v1' }))).not.toContain('update');
    expect(messageFor(changed({ apiVersion: undefined }))).toContain(
      'plan.apiVersion: a plan has envoy-gateway-extensions-builder/v1alpha1',
    );
  });

  it.each([null, undefined, 'a plan', 7, []])('refuses %p', input => {
    expect(messageFor(input)).toContain('use an object with the fields');
  });

  it.each([
    [
      { mechanism: 'magic' },
      'plan.mechanism: "magic" is not valid: use extproc',
    ],
    [{ settings: { header: { name: 'x' } } }, 'plan.settings.header.value'],
    [{ recommendation: {} }, 'plan.recommendation.decision: it is missing'],
    [{ recommendation: null }, 'plan.recommendation: null is not valid'],
    [{ recommendation: [] }, 'plan.recommendation: [] is not valid'],
    [{ release: undefined }, 'plan.release: it is missing; give an object'],
    [{ owner: 7 }, 'plan.owner: 7 is not valid: use text'],
    [{ purpose: 'magic' }, 'plan.purpose: "magic" is not valid: use one of'],
    [
      { implementation: 'extproc-cobol' },
      'plan.implementation: "extproc-cobol" is not valid: use extproc-go or',
    ],
    [
      { implementation: 'lua' },
      'plan.mechanism: "extproc" is not valid: the implementation lua',
    ],
    [
      { extproc: null },
      'plan.extproc: null is not valid: the mechanism extproc',
    ],
    [
      { lua: { source: 'Inline', filterContext: true } },
      'use null: the mechanism is extproc',
    ],
    [
      { policy: { name: '..', namespace: 'default', failOpen: false } },
      'plan.policy.name: ".." is not valid: use lower-case letters',
    ],
    [
      { policy: { name: 'a', namespace: '..', failOpen: false } },
      'plan.policy.namespace: ".." is not valid: use lower-case letters',
    ],
    [{ extra: 1 }, 'plan.extra: 1 is not valid: there is no such field'],
  ])('names what is wrong in %j', (change, expected) => {
    const message = messageFor(changed(change));
    expect(message).toContain('The plan is not valid:');
    expect(message).toContain(expected);
    expect(message).toContain('Restore eg-extension.yaml');
  });

  it('keeps the budget of an AI gateway whose older plan does not say how many tokens', () => {
    const { written } = fixtures.find(
      ({ name }) => name === 'govern-models.yaml',
    )!;
    const settings: Record<string, unknown> = { ...written.settings };
    const tokens = () => parsePlan({ ...written, settings }).settings;
    settings.budget = { windowSeconds: 60 };
    expect(tokens()).toMatchObject({
      budget: { tokens: 100_000, windowSeconds: 60 },
    });
    delete settings.budget;
    expect(tokens()).toMatchObject({ budget: { tokens: 100_000 } });
    settings.budget = { tokens: 0 };
    expect(tokens()).toMatchObject({ budget: { tokens: 0 } });
  });

  it('refuses a plan of an older version that has no recommendation', () => {
    const { written } = fixtures[0]!;
    expect(messageFor({ ...written, recommendation: {} })).toContain(
      'plan.recommendation.decision: it is missing',
    );
  });
});
