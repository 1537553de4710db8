import { ageSince } from './age';

describe('ageSince', () => {
  it.each([
    ['2026-11-25T12:00:00Z', '0s'],
    ['2026-11-25T11:59:15Z', '45s'],
    ['2026-11-25T11:50:30Z', '9m30s'],
    ['2026-11-25T09:00:00Z', '3h'],
    ['2026-11-22T08:00:00Z', '3d4h'],
    ['2026-11-25T12:00:30Z', '0s'],
    ['not a date', ''],
    [undefined, ''],
  ])('%s', (timestamp, age) => {
    expect(ageSince(timestamp, new Date('2026-11-25T12:00:00Z'))).toBe(age);
  });
});
