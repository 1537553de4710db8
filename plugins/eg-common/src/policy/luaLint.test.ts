import { lintLua } from './luaLint';

const script = (body: string) => `function envoy_on_request(h)\n${body}\nend`;

describe('lintLua', () => {
  it.each([
    'h:headers():add("x-a", "1")',
    'for k in pairs(h:headers()) do h:logInfo(k) end',
    'local ok = pcall(function() error("no") end)',
    'local bit = 3; local x = bit + 1',
    'h:body():setBytes("x")',
    'h:respond({[":status"] = "403"}, "no")',
  ])('accepts %s', body => {
    expect(lintLua(script(body))).toEqual([]);
  });

  it.each([
    ['local x = require("json")', 'require is blocked'],
    ['setmetatable({}, {})', 'setmetatable is blocked'],
    ['local x = bit.band(1, 2)', 'bit is blocked'],
    ['os.execute("id")', 'os.execute is blocked'],
    ['local f = io.open("/etc/passwd")', 'io.open is blocked'],
    ['h:clearRouteCache()', 'clearRouteCache() works in Envoy'],
    ['loadstring("x")()', 'loadstring is blocked'],
  ])('rejects %s', (body, message) => {
    const problems = lintLua(script(body));
    expect(problems).toHaveLength(1);
    expect(problems[0]!.field).toBe('script line 2');
    expect(problems[0]!.message).toContain(message);
  });

  it('rejects a syntax error', () => {
    expect(lintLua(script('if x then'))[0]!.message).toContain('syntax error');
  });

  it('rejects a script without entry points', () => {
    expect(lintLua('local x = 1')[0]!.message).toBe(
      'expected one of envoy_on_request() or envoy_on_response() to be defined.',
    );
  });
});
