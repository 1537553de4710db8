import { answersSchema } from './answers';
import { formSchema } from './form';

describe('formSchema', () => {
  it('asks every question of the schema exactly once', () => {
    const asked = formSchema().flatMap(step => [
      ...Object.keys(step.properties),
      ...Object.keys(
        step.dependencies?.purpose.oneOf[0].properties ?? {},
      ).filter(name => name !== 'purpose'),
    ]);
    expect([...asked].sort()).toEqual(Object.keys(answersSchema.shape).sort());
  });

  it('has a title and a description for every question', () => {
    const questions = formSchema().flatMap(step => [
      ...Object.values<any>(step.properties),
      ...(step.dependencies?.purpose.oneOf ?? []).flatMap((branch: any) => [
        branch.properties.processing,
        branch.properties.settings,
      ]),
    ]);
    for (const question of questions) {
      expect(question).toEqual(
        expect.objectContaining({
          title: expect.any(String),
          description: expect.any(String),
        }),
      );
    }
  });
});
