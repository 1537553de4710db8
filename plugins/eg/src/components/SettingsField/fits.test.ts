import { purposes } from 'backstage-plugin-eg-common';
import { fits } from './fits';

describe('fits', () => {
  const defaults = purposes.map(
    ({ id, defaults: of, defaultPhases }) =>
      [id, of(defaultPhases, 'mask-cards')] as const,
  );

  it.each(defaults)('knows the settings of %s from others', (id, settings) => {
    expect(fits(id, settings)).toBe(true);
    for (const [other, others] of defaults) {
      expect([other, fits(id, others)]).toEqual([other, other === id]);
    }
  });

  it.each([
    ['an operation that was just added', { request: [{}], response: [] }],
    ['a value that is missing', { request: [{ action: 'set', name: 'x-a' }] }],
    [
      'a value that is not valid',
      { request: [{ action: 'remove', name: '' }] },
    ],
  ])('does not mind %s', (_, settings) => {
    expect(fits('header-transform', settings)).toBe(true);
  });
});
