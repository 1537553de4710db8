import { luaTable } from './luaTable';

describe('luaTable', () => {
  it('writes data as a table constructor', () => {
    expect(luaTable({ list: [1, true, 'a'], empty: [], object: { k: 'v' } }))
      .toBe(`{
  ["list"] = {
    1,
    true,
    "a",
  },
  ["empty"] = {},
  ["object"] = {
    ["k"] = "v",
  },
}`);
  });

  it('writes every character that could end a string by its number', () => {
    expect(luaTable('"]]\\\n{{ü')).toBe(
      '"\\034\\093\\093\\092\\010\\123\\123\\195\\188"',
    );
  });
});
