import fs from 'fs-extra';
import { join } from 'path';
import { describeUnless, hasProgram } from '../src/tools';
import { Lab, startLab } from './lab';
import { lacking } from './namespaces';
import { fixtureFolder, prepareSituations, recordSituation } from './record';
import { situations, Stage, usualSettings } from './situations';

/** What situations need beside what the lab does. */
const programs = ['cargo', 'docker-registry', 'openssl'];

const read = (path: string) => fs.readJsonSync(join(fixtureFolder, path));

// What health and the entity tab are tested with is what this gateway still says.
describeUnless(
  [...lacking(), ...programs.filter(program => !hasProgram(program))],
  'the recorded situations',
  () => {
    let lab: Lab;
    let stage: Stage;

    beforeAll(async () => {
      lab = await startLab(usualSettings);
      stage = await prepareSituations(lab, () => {});
    }, 1_800_000);
    afterAll(() => lab?.down(), 30_000);

    it('are all that there are fixtures of', () => {
      const recorded = situations.flatMap(({ name, alsoRecorded = [] }) => [
        name,
        ...alsoRecorded,
      ]);
      const files = fs.readdirSync(fixtureFolder);
      expect(files.sort()).toEqual(recorded.map(name => `${name}.json`).sort());
    });

    it.each(situations.map(situation => [situation.name, situation] as const))(
      '%s',
      async (name, situation) => {
        const { policies, related, answer } = await recordSituation(
          situation,
          stage,
        );
        expect(policies).toEqual(
          policies.map(({ metadata }) => read(`${metadata.name}.json`)),
        );
        expect(related).toEqual(
          read('../__observed__/related.json')[name] ?? [],
        );
        expect(answer).toEqual(read('../__observed__/answers.json')[name]);
      },
    );
  },
);
