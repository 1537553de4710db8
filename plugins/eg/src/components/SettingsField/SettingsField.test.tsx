import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { parseAnswers, purposeOf } from 'backstage-plugin-eg-common';
import { accessibilityFaults } from '../../__testUtils__/axe';
import { renderForm, stepsWith } from '../../__testUtils__/form';

const answers = { name: 'mask-cards', owner: 'group:default/payments' };
const headers = { ...answers, purpose: 'header-transform' };

const inputs = (label: string) =>
  screen
    .queryAllByRole('textbox', { name: new RegExp(`^${label}`) })
    .map(input => (input as HTMLInputElement).value);

async function created(onCreate: jest.Mock) {
  const user = userEvent.setup();
  await user.click(screen.getByRole('button', { name: 'Review' }));
  await user.click(await screen.findByRole('button', { name: 'Create' }));
  return onCreate.mock.calls[0]![0];
}

/** Chooses in a list of Material UI. */
async function choose(list: RegExp, option: string) {
  fireEvent.mouseDown(screen.getByRole('button', { name: list }));
  await userEvent.click(
    within(await screen.findByRole('listbox')).getByText(option),
  );
}

describe('SettingsField', () => {
  it('shows working defaults for a purpose that was chosen in another step', async () => {
    const { onCreate, container } = await renderForm(
      stepsWith(['settings']),
      headers,
    );
    await waitFor(() =>
      expect(inputs('Header')).toEqual(['x-processed-by', 'x-processed-by']),
    );
    expect(inputs('Value')).toEqual(['mask-cards', 'mask-cards']);
    expect(await accessibilityFaults(container)).toEqual([]);
    const values = await created(onCreate);
    expect(values.settings).toEqual(
      purposeOf('header-transform').defaults(
        ['requestHeaders', 'responseHeaders'],
        'mask-cards',
      ),
    );
    expect(() => parseAnswers(values)).not.toThrow();
  });

  it('replaces settings and phases when the purpose changes', async () => {
    const { onCreate } = await renderForm(
      stepsWith(['purpose', 'processing', 'settings']),
      headers,
    );
    await waitFor(() => expect(inputs('Header')).toHaveLength(2));
    await choose(/Transform headers/, 'Transform JSON bodies');
    await waitFor(() =>
      expect(inputs('JSON Pointer')).toEqual(['/card/number', '/card/number']),
    );
    expect(inputs('Header')).toEqual([]);
    const values = await created(onCreate);
    expect(values).toMatchObject({
      purpose: 'body-transform',
      processing: ['requestBody', 'responseBody'],
      settings: purposeOf('body-transform').defaults(
        ['requestBody', 'responseBody'],
        'mask-cards',
      ),
    });
    expect(() => parseAnswers(values)).not.toThrow();
  });

  it('replaces settings that the purpose of another step has made stale', async () => {
    await renderForm(stepsWith(['settings']), {
      ...headers,
      settings: { request: [{ action: 'mask', pointer: '/a', keep: 4 }] },
    });
    await waitFor(() => expect(inputs('Header')).toHaveLength(2));
  });

  it('keeps what the person has set', async () => {
    const settings = {
      request: [{ action: 'set', name: 'x-tenant', value: 'acme' }],
      response: [],
    };
    const { onCreate } = await renderForm(stepsWith(['settings']), {
      ...headers,
      settings,
    });
    expect(inputs('Header')).toEqual(['x-tenant']);
    expect((await created(onCreate)).settings).toEqual(settings);
  });

  it('leaves out what is not processed, as long as nothing was set', async () => {
    const user = userEvent.setup();
    const { onCreate } = await renderForm(
      stepsWith(['processing', 'settings']),
      headers,
    );
    await waitFor(() => expect(inputs('Header')).toHaveLength(2));
    await user.click(
      screen.getByRole('checkbox', { name: 'Response headers' }),
    );
    await waitFor(() => expect(inputs('Header')).toHaveLength(1));
    expect(await created(onCreate)).toMatchObject({
      processing: ['requestHeaders'],
      settings: { response: [] },
    });
  });

  it('takes what is typed, and goes back to the defaults', async () => {
    const user = userEvent.setup();
    await renderForm(stepsWith(['settings']), headers);
    const [value] = await screen.findAllByRole('textbox', { name: /^Value/ });
    await user.clear(value!);
    await user.type(value!, 'acme');
    expect(inputs('Value')).toEqual(['acme', 'mask-cards']);
    await user.click(
      screen.getByRole('button', { name: 'Back to the defaults' }),
    );
    await waitFor(() =>
      expect(inputs('Value')).toEqual(['mask-cards', 'mask-cards']),
    );
    expect(screen.queryByRole('button', { name: /defaults/ })).toBeNull();
  });

  it('stops settings that cannot work, at the input and by name', async () => {
    const user = userEvent.setup();
    const { onCreate } = await renderForm(stepsWith(['settings']), headers);
    const [header] = await screen.findAllByRole('textbox', { name: /^Header/ });
    await user.clear(header!);
    await user.type(header!, 'host');
    await user.click(screen.getByRole('button', { name: 'Review' }));
    expect(
      (
        await screen.findAllByText(
          /Settings, request\[0\]\.name \(step “What it does”\): "host" is not valid; choose another header/,
        )
      ).length,
    ).toBeGreaterThan(0);
    expect(
      screen.getByText(/^choose another header: Envoy routes by it/),
    ).toBeInTheDocument();
    expect(onCreate).not.toHaveBeenCalled();
  });

  it('names the operations, and changes one into another', async () => {
    const { onCreate } = await renderForm(stepsWith(['settings']), {
      ...headers,
      settings: {
        request: [{ action: 'set', name: 'x-tenant', value: 'acme' }],
        response: [],
      },
    });
    expect(screen.queryByText(/option \d/)).toBeNull();
    await choose(/^Operation set/, 'rename');
    const to = await screen.findByRole('textbox', { name: /^New name/ });
    await userEvent.type(to, 'x-customer');
    expect((await created(onCreate)).settings.request).toEqual([
      { action: 'rename', name: 'x-tenant', to: 'x-customer' },
    ]);
  });

  it('waits for a purpose', async () => {
    await renderForm(stepsWith(['settings']), answers);
    expect(
      screen.getByText('Choose a purpose first; its settings appear here.'),
    ).toBeInTheDocument();
  });
});
