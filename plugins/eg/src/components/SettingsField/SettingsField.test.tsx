import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { parseAnswers, plan, withExample } from 'backstage-plugin-eg-common';
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

async function insertExample() {
  await userEvent.click(
    await screen.findByRole('button', { name: 'Insert the example' }),
  );
  await screen.findByRole('button', { name: 'Start again' });
}

/** Chooses in a list of Material UI. */
async function choose(list: RegExp, option: string) {
  fireEvent.mouseDown(screen.getByRole('button', { name: list }));
  await userEvent.click(
    within(await screen.findByRole('listbox')).getByText(option),
  );
}

describe('SettingsField', () => {
  it('shows an example of what a purpose of another step can do, and fills nothing in', async () => {
    const { onCreate, container } = await renderForm(
      stepsWith(['settings']),
      headers,
    );
    expect(await screen.findByText(/x-upstream-version/)).toBeInTheDocument();
    expect(inputs('Header')).toEqual([]);
    expect(await accessibilityFaults(container)).toEqual([]);
    await userEvent.click(screen.getByRole('button', { name: 'Review' }));
    expect(
      (
        await screen.findAllByText(
          /Settings, request \(step “What it does”\): \[\] is not valid; nothing says what the extension is to do; fill in “Operations on the request” or “Operations on the response”/,
        )
      ).length,
    ).toBeGreaterThan(0);
    expect(onCreate).not.toHaveBeenCalled();
  });

  it('fills in the example when it is asked to', async () => {
    const { onCreate, container } = await renderForm(
      stepsWith(['settings']),
      headers,
    );
    await insertExample();
    expect(inputs('Header')).toEqual(['x-tenant', 'x-upstream-version']);
    expect(await accessibilityFaults(container)).toEqual([]);
    const values = await created(onCreate);
    expect(values).toEqual(withExample(values));
    expect(() => plan(parseAnswers(values))).not.toThrow();
  });

  it('replaces settings and phases when the purpose changes', async () => {
    const { onCreate } = await renderForm(
      stepsWith(['purpose', 'processing', 'settings']),
      headers,
    );
    await insertExample();
    await choose(/Transform headers/, 'Transform JSON bodies');
    await waitFor(() => expect(inputs('Header')).toEqual([]));
    await insertExample();
    expect(inputs('JSON Pointer')).toEqual(['/card/number', '/card/number']);
    const values = await created(onCreate);
    expect(values).toMatchObject(
      withExample({
        purpose: 'body-transform',
        processing: ['requestBody', 'responseBody'],
      }),
    );
    expect(() => plan(parseAnswers(values))).not.toThrow();
  });

  it('removes settings that the purpose of another step has made stale', async () => {
    await renderForm(stepsWith(['settings']), {
      ...headers,
      settings: { request: [{ action: 'mask', pointer: '/a', keep: 4 }] },
    });
    await waitFor(() => expect(inputs('JSON Pointer')).toEqual([]));
    await insertExample();
    expect(inputs('Header')).toHaveLength(2);
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

  it('leaves what is not processed out of the example', async () => {
    const user = userEvent.setup();
    const { onCreate } = await renderForm(
      stepsWith(['processing', 'settings']),
      headers,
    );
    await user.click(
      await screen.findByRole('checkbox', { name: 'Response headers' }),
    );
    await insertExample();
    expect(inputs('Header')).toEqual(['x-tenant']);
    expect(await created(onCreate)).toMatchObject({
      processing: ['requestHeaders'],
      settings: { response: [] },
    });
  });

  it('takes what is typed, and starts again', async () => {
    const user = userEvent.setup();
    await renderForm(stepsWith(['settings']), headers);
    await insertExample();
    const [header] = await screen.findAllByRole('textbox', { name: /^Header/ });
    await user.clear(header!);
    await user.type(header!, 'x-customer');
    expect(inputs('Header')).toEqual(['x-customer', 'x-upstream-version']);
    await user.click(screen.getByRole('button', { name: 'Start again' }));
    await waitFor(() => expect(inputs('Header')).toEqual([]));
    expect(screen.queryByRole('button', { name: 'Start again' })).toBeNull();
  });

  it('stops settings that cannot work, at the input and by name', async () => {
    const user = userEvent.setup();
    const { onCreate } = await renderForm(stepsWith(['settings']), headers);
    await insertExample();
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
