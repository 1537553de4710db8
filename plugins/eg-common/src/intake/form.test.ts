import { answersSchema } from './answers';
import { purposes } from '../purposes';
import { customFields, formSchema, settingsSchema } from './form';

/** Every question but the settings of needs, which come from files and actions. */
const asksFor = Object.keys(answersSchema.shape)
  .filter(name => name !== 'needSettings')
  .sort();

describe('formSchema', () => {
  it('asks every question of the schema exactly once', () => {
    const asked = formSchema().flatMap(step => [
      ...Object.keys(step.properties),
      ...Object.keys(
        step.dependencies?.purpose.oneOf[0].properties ?? {},
      ).filter(name => name !== 'purpose'),
    ]);
    expect([...asked].sort()).toEqual(asksFor);
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

  it('asks the same questions in the same steps with the plugin’s fields', () => {
    const custom = formSchema({ customFields: true });
    expect(custom.map(step => step.title)).toEqual(
      formSchema().map(step => step.title),
    );
    const questions = custom.flatMap(step => Object.entries(step.properties));
    expect(questions.map(([name]) => name).sort()).toEqual(asksFor);
    expect(custom.some(step => 'dependencies' in step)).toBe(false);
    expect(
      Object.fromEntries(
        questions.map(([name, question]: [string, any]) => [
          name,
          question['ui:field'],
        ]),
      ),
    ).toMatchObject(customFields);
  });

  it('uses stock fields unless told otherwise', () => {
    expect(JSON.stringify(formSchema())).not.toContain('EnvoyGateway');
  });
});

describe('settingsSchema', () => {
  it.each(purposes.map(p => p.id))('describes the settings of %s', purpose => {
    expect(settingsSchema(purpose)).toMatchObject({
      type: 'object',
      title: 'Settings',
      properties: expect.any(Object),
    });
  });

  it('calls each kind of operation by its name, not by a number', () => {
    const { oneOf } =
      settingsSchema('header-transform').properties.request.items;
    expect(oneOf.map((option: any) => option.title)).toEqual([
      'set',
      'append',
      'set-from',
      'append-from',
      'remove',
      'rename',
    ]);
    for (const option of oneOf) {
      expect(option.properties.action).toMatchObject({
        const: option.title,
        'ui:widget': 'hidden',
      });
    }
  });
});
