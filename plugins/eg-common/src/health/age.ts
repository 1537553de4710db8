const units: [string, number][] = [
  ['d', 24 * 60 * 60],
  ['h', 60 * 60],
  ['m', 60],
  ['s', 1],
];

/**
 * The time since a timestamp as kubectl shows it, for example `3d4h`.
 *
 * @public
 * @returns an empty string where there is no timestamp
 */
export function ageSince(timestamp: string | undefined, now: Date): string {
  const then = Date.parse(timestamp ?? '');
  if (Number.isNaN(then)) {
    return '';
  }
  const seconds = Math.max(0, Math.floor((now.getTime() - then) / 1000));
  const largest = units.findIndex(([, size]) => seconds >= size);
  if (largest === -1) {
    return '0s';
  }
  const [unit, size] = units[largest]!;
  const next = units[largest + 1];
  const rest = next && Math.floor((seconds % size) / next[1]);
  return `${Math.floor(seconds / size)}${unit}${rest ? rest + next[0] : ''}`;
}
