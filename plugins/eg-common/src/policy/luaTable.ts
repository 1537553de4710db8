/** A byte of UTF-8 as Lua text: letters, digits and a few marks as they are, everything else by its number. */
function luaByte(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[A-Za-z0-9 ./:;=_-]/.test(character)
    ? character
    : `\\${String(byte).padStart(3, '0')}`;
}

function luaString(text: string): string {
  return `"${[...new TextEncoder().encode(text)].map(luaByte).join('')}"`;
}

/**
 * Data as a Lua table constructor. Strings are written so that no character of theirs can end them.
 *
 * @param value - JSON data without null
 */
export function luaTable(value: unknown, indent = ''): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return value.length === 0
      ? '{}'
      : `{\n${value
          .map(v => `${inner}${luaTable(v, inner)},\n`)
          .join('')}${indent}}`;
  }
  if (typeof value === 'object' && value !== null) {
    return `{\n${Object.entries(value)
      .map(([k, v]) => `${inner}[${luaString(k)}] = ${luaTable(v, inner)},\n`)
      .join('')}${indent}}`;
  }
  if (typeof value === 'string') {
    return luaString(value);
  }
  return String(value);
}
