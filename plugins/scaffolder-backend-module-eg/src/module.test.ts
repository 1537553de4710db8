import { mockServices, startTestBackend } from '@backstage/backend-test-utils';
import { catalogServiceMock } from '@backstage/plugin-catalog-node/testUtils';
import scaffolderPlugin from '@backstage/plugin-scaffolder-backend';
import request from 'supertest';
import egModule from './index';

describe('the module', () => {
  it('adds its actions to the scaffolder, with schemas and examples', async () => {
    const { server } = await startTestBackend({
      features: [
        scaffolderPlugin,
        egModule,
        catalogServiceMock.factory(),
        mockServices.rootConfig.factory({ data: {} }),
      ],
    });
    const { body } = await request(server).get('/api/scaffolder/v2/actions');
    const own = body.filter((a: any) => a.id.startsWith('eg:'));
    expect(own.map((a: any) => a.id).sort()).toEqual([
      'eg:recommend',
      'eg:render-policy',
      'eg:verify',
    ]);
    for (const { description, examples, schema } of own) {
      expect(description).not.toBe('');
      expect(examples.length).toBeGreaterThan(0);
      expect(Object.keys(schema.input.properties)).not.toEqual([]);
      expect(Object.keys(schema.output.properties)).not.toEqual([]);
    }
  });
});
