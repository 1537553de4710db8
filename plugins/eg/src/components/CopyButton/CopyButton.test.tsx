import { renderInTestApp } from '@backstage/frontend-test-utils';
import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { CopyButton } from './CopyButton';

async function press() {
  const user = userEvent.setup();
  const copied = jest.spyOn(navigator.clipboard, 'writeText');
  renderInTestApp(<CopyButton text="a: 1" what="policy.yaml" />);
  const button = await screen.findByRole('button', {
    name: 'Copy policy.yaml',
  });
  return { copied, press: () => user.click(button) };
}

describe('CopyButton', () => {
  it('copies, and says so', async () => {
    const button = await press();
    expect(screen.getByRole('status')).toBeEmptyDOMElement();
    await button.press();
    expect(button.copied).toHaveBeenCalledWith('a: 1');
    expect(screen.getByRole('status')).toHaveTextContent('Copied');
    expect(screen.getByRole('button')).toHaveTextContent('Copied');
  });

  it('says that it could not', async () => {
    const button = await press();
    button.copied.mockRejectedValue(new Error('not allowed'));
    await button.press();
    expect(screen.getByRole('status')).toHaveTextContent(
      'Could not copy; select the text instead',
    );
  });
});
