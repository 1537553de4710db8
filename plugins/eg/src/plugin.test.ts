import { PageBlueprint } from '@backstage/frontend-plugin-api';
import { renderTestApp } from '@backstage/frontend-test-utils';
import { customFields } from 'backstage-plugin-eg-common';
import { screen } from '@testing-library/react';
import { createElement } from 'react';
import { fieldExtensions } from './__testUtils__/form';
import plugin, { egTranslationRef } from './index';

describe('the plugin', () => {
  it('has its form fields, tab and card', () => {
    for (const id of [
      'scaffolder-form-field:eg/recommendation',
      'scaffolder-form-field:eg/settings',
      'scaffolder-form-field:eg/processing',
      'entity-content:eg/gateway-extension',
      'entity-card:eg/gateway-extension',
    ]) {
      expect(plugin.getExtension(id as any)).toBeDefined();
    }
  });

  it('does not disturb an app without catalog, scaffolder and Kubernetes', async () => {
    const page = PageBlueprint.make({
      params: { path: '/', loader: async () => createElement('p', {}, 'Home') },
    });
    renderTestApp({ extensions: [page], features: [plugin] });
    expect(await screen.findByText('Home')).toBeInTheDocument();
  });

  it('names its fields as the template does', async () => {
    const names = (await fieldExtensions()).map(field => field.name);
    expect(names.sort()).toEqual(Object.values(customFields).sort());
  });

  it('can be translated', () => {
    expect(egTranslationRef.id).toBe('plugin.eg');
  });
});
