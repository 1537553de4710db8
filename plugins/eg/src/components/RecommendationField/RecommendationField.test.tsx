import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import {
  capital,
  adviceLead,
  parseAnswers,
  plan,
  recommend,
  renderFiles,
  withExample,
} from 'backstage-plugin-eg-common';
import { accessibilityFaults } from '../../__testUtils__/axe';
import { renderForm, stepsWith } from '../../__testUtils__/form';

const answers = {
  name: 'mask-cards',
  owner: 'group:default/payments',
  purpose: 'header-transform',
};

const complete = withExample(answers);
const adviceStep = stepsWith(['implementation']);
const proceed = () => screen.getByRole('button', { name: 'Review' });

describe('RecommendationField', () => {
  it('shows decision, ranking, rejections and warnings with their reasons', async () => {
    const given = { ...answers, purpose: 'body-transform', bodySize: 'large' };
    const { container } = await renderForm(adviceStep, given);
    const { ranking, rejected, warnings } = recommend(parseAnswers(given));
    expect(screen.getByText('Build it as ExtProc in Go')).toBeInTheDocument();

    const ranked = within(screen.getByRole('region', { name: /is possible/ }));
    for (const { title, score, reasons } of ranking) {
      expect(ranked.getByText(capital(title))).toBeInTheDocument();
      expect(
        ranked.getByText(`${score} ${score === 1 ? 'point' : 'points'}`),
      ).toBeInTheDocument();
      for (const { text } of reasons) {
        expect(ranked.getByText(text)).toBeInTheDocument();
      }
    }
    expect(ranked.getByText(/^Each reason for/)).toBeInTheDocument();
    const refused = within(
      screen.getByRole('region', { name: /not possible$/ }),
    );
    const [native, ...impossible] = rejected;
    expect(impossible).toHaveLength(3);
    // The need was not said.
    const unknown = within(screen.getByRole('region', { name: /not known/ }));
    expect(unknown.getByText(native!.reasons.join(' '))).toBeInTheDocument();
    expect(refused.queryByText(native!.title)).toBeNull();
    for (const { title, reasons } of impossible) {
      expect(refused.getByText(capital(title))).toBeInTheDocument();
      // Two may fail for the same reason.
      expect(refused.getAllByText(reasons.join(' '))).not.toHaveLength(0);
    }
    const watched = within(screen.getByRole('region', { name: /to watch$/ }));
    expect(watched.getAllByRole('listitem').map(i => i.textContent)).toEqual(
      warnings.map(w => w.text),
    );
    expect(await accessibilityFaults(container)).toEqual([]);
  });

  it('follows the answers while they are typed, and says so', async () => {
    const user = userEvent.setup();
    await renderForm(stepsWith(['externalCalls', 'implementation']), {
      ...answers,
      latency: 'minimal',
    });
    const announced = () =>
      screen.getByText(/^The advice is: /, {
        selector: '[role=status] *, [role=status]',
      });
    expect(announced()).toHaveTextContent('Build it as Wasm in Rust');
    await user.click(
      screen.getByRole('checkbox', { name: /Calls external services/ }),
    );
    await waitFor(() =>
      expect(announced()).toHaveTextContent('Build it as ExtProc in Go'),
    );
    expect(screen.getByText('Build it as ExtProc in Go')).toBeInTheDocument();
  });

  it('says that Envoy Gateway does it, how sure that is, and still offers extensions', async () => {
    const given = { ...answers, need: 'validate-jwt' };
    const advice = recommend(parseAnswers(given));
    expect(advice.decision).toBe('native');
    const { container } = await renderForm(adviceStep, given);
    expect(
      screen.getAllByText(adviceLead(advice), { exact: false }),
    ).not.toHaveLength(0);
    expect(
      screen.getByRole('radio', { name: /What the advice says/ }),
    ).toBeChecked();
    expect(
      screen.getByRole('radio', { name: 'ExtProc in Go instead' }),
    ).toBeEnabled();
    // Without a skeleton there is nothing to choose.
    expect(screen.queryByRole('radio', { name: /dynamic module/ })).toBeNull();
    const sure = within(screen.getByRole('region', { name: /How sure/ }));
    expect(sure.getByText(/confidence\./)).toHaveTextContent(
      advice.confidence.reason,
    );
    expect(await accessibilityFaults(container)).toEqual([]);
  });

  it('says which questions are missing, with the step', async () => {
    const { container } = await renderForm(adviceStep, { name: 'mask-cards' });
    const missing = screen.getAllByRole('listitem').map(i => i.textContent);
    expect(missing).toEqual([
      'Owner (step “The extension”): name the owner, for example group:default/platform',
      expect.stringMatching(
        /^Purpose \(step “What it does”\): choose one of header-transform/,
      ),
    ]);
    expect(screen.queryByRole('radiogroup')).toBeNull();
    expect(await accessibilityFaults(container)).toEqual([]);
  });

  it('says which answers are not valid', async () => {
    await renderForm(adviceStep, { ...answers, name: 'Mask Cards' });
    expect(
      screen.getByText(
        /^Name \(step “The extension”\): "Mask Cards" is not valid; use lower-case/,
      ),
    ).toBeInTheDocument();
  });

  it('lets the developer take something else, with the consequences', async () => {
    const user = userEvent.setup();
    const { onCreate } = await renderForm(adviceStep, complete);
    const { ranking } = recommend(parseAnswers(answers));
    expect(
      screen.getByRole('radio', {
        name: /What the advice says: ExtProc in Go/,
      }),
    ).toBeChecked();
    await user.click(
      screen.getByRole('radio', { name: /Wasm in Rust instead/ }),
    );

    // What is advised does not change because something else is taken.
    expect(screen.getByText('Build it as ExtProc in Go')).toBeInTheDocument();
    const consequences = screen
      .getByText('You chose Wasm in Rust; the advice is ExtProc in Go')
      .closest('[role=status]')!;
    const lost = ranking[0]!.reasons.filter(({ points }) => points > 0);
    expect(lost.length).toBeGreaterThan(0);
    for (const { text } of lost) {
      expect(consequences).toHaveTextContent(text);
    }
    await user.click(proceed());
    await user.click(await screen.findByRole('button', { name: 'Create' }));
    expect(onCreate).toHaveBeenCalledWith(
      expect.objectContaining({ implementation: 'wasm-rust' }),
    );
  });

  it('shows a choice that the advice has come to agree with', async () => {
    await renderForm(adviceStep, { ...answers, implementation: 'extproc-go' });
    expect(
      screen.getByRole('radio', {
        name: 'ExtProc in Go, even if the advice changes',
      }),
    ).toBeChecked();
    expect(screen.queryByText(/^You chose/)).toBeNull();
  });

  it('does not offer what cannot work', async () => {
    await renderForm(adviceStep, { ...answers, purpose: 'body-transform' });
    expect(
      screen.getByRole('radio', { name: 'Lua (cannot do it)' }),
    ).toBeDisabled();
  });

  it('stops a choice that other answers have made impossible', async () => {
    const user = userEvent.setup();
    const { onCreate } = await renderForm(adviceStep, {
      ...answers,
      purpose: 'body-transform',
      implementation: 'lua',
    });
    await user.click(proceed());
    await waitFor(() =>
      expect(
        screen.getAllByText(
          /Implementation \(step “The advice”\): "lua" is not valid; .*no JSON library.*Choose extproc-go or wasm-rust/,
        ).length,
      ).toBeGreaterThan(1),
    );
    expect(screen.queryByRole('button', { name: 'Create' })).toBeNull();
    expect(onCreate).not.toHaveBeenCalled();
  });

  it.each([
    [
      'a contradiction between two steps',
      { target: { kind: 'ListenerSet' }, gatewayVersion: '1.8' },
      /Target, Kind \(step “Where it runs”\): "ListenerSet" is not valid; Envoy Gateway 1.8 does not know it/,
    ],
    [
      'a phase that the settings need',
      {
        processing: ['requestHeaders'],
        settings: {
          response: [{ action: 'rename', name: 'x-a', to: 'x-b' }],
        },
      },
      /What is processed \(step “What it does”\): \["requestHeaders"\] is not valid; the settings need responseHeaders/,
    ],
    [
      'a setting',
      { settings: { request: [{ action: 'remove', name: 'host' }] } },
      /Settings, request\[0\]\.name \(step “What it does”\): "host" is not valid/,
    ],
  ])('stops %s, and names the question', async (_, given, message) => {
    const user = userEvent.setup();
    await renderForm(adviceStep, { ...answers, ...given });
    expect(screen.getByText(message)).toBeInTheDocument();
    await user.click(proceed());
    await waitFor(() =>
      expect(screen.getAllByText(message).length).toBeGreaterThan(1),
    );
    expect(screen.queryByRole('button', { name: 'Create' })).toBeNull();
  });

  it('previews what the task will write, and copies it', async () => {
    const user = userEvent.setup();
    const copied = jest.spyOn(navigator.clipboard, 'writeText');
    await renderForm(adviceStep, complete);
    const files = renderFiles(plan(parseAnswers(complete)));
    const preview = within(
      screen.getByRole('region', { name: 'What will be written' }),
    );
    expect(preview.getAllByRole('button').map(b => b.textContent)).toEqual(
      Object.keys(files).filter(path => /^(policy|k8s)\//.test(path)),
    );
    const path = 'policy/envoyextensionpolicy.yaml';
    await user.click(preview.getByRole('button', { name: path }));
    expect(preview.getByRole('region', { name: path }).textContent).toBe(
      files[path],
    );
    await user.click(preview.getByRole('button', { name: `Copy ${path}` }));
    expect(copied).toHaveBeenCalledWith(files[path]);
  });

  it('previews the policy of what was chosen instead', async () => {
    const user = userEvent.setup();
    await renderForm(adviceStep, { ...complete, implementation: 'lua' });
    await user.click(
      screen.getByRole('button', { name: 'policy/envoyextensionpolicy.yaml' }),
    );
    expect(
      screen.getByRole('region', { name: 'policy/envoyextensionpolicy.yaml' }),
    ).toHaveTextContent(/lua:/);
  });
});
