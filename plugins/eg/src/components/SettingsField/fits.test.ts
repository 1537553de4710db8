import { purposes, withExample } from 'backstage-plugin-eg-common';
import { fits } from './fits';

describe('fits', () => {
  const examples = purposes.map(
    ({ id }) => [id, withExample({ purpose: id }).settings] as const,
  );

  it.each(examples)('knows the settings of %s from others', (id, settings) => {
    expect(fits(id, settings)).toBe(true);
    for (const [other, others] of examples) {
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
