import { lintLua } from './luaLint';

const script = (body: string) => `function envoy_on_request(h)\n${body}\nend`;

// What Envoy Gateway's own validator says of these scripts, test/envoy/lua.test.ts asks it.
describe('lintLua', () => {
  it.each([
    'h:headers():add("x-a", "1")',
    'for k in pairs(h:headers()) do h:logInfo(k) end',
    'local ok = pcall(function() error("no") end)',
    'local bit = 3; local x = bit + 1',
    'h:body():setBytes("x")',
    'h:respond({[":status"] = "403"}, "no")',
    'local t = debug and debug.traceback()',
    'local r = require',
    'local x = bit and bit.band(1, 2) or 0',
    'for i = 1, 3 do if i == 2 then goto continue end ::continue:: end',
    'local m = h:metadata():get("a"); local x = m["a"]',
    'local a = h:filterContext()["a"]',
    'local t = h:headers():get("a"):match("b"); h:headers():add("x", "b" .. (t or ""))',
  ])('accepts %s', body => {
    expect(lintLua(script(body))).toEqual([]);
  });

  it.each([
    ['local x = require("json")', 'require is blocked'],
    ['setmetatable({}, {})', 'setmetatable is blocked'],
    ['local x = bit.band(1, 2)', 'bit is blocked'],
    ['os.execute("id")', 'os.execute is blocked'],
    ['local f = io.open("/etc/passwd")', 'io.open is blocked'],
    ['local s = string.dump(function() end)', 'string.dump is blocked'],
    ['h:clearRouteCache()', 'clearRouteCache() works in Envoy'],
    [
      'local n = h:streamInfo():attemptCount()',
      'attemptCount() works in Envoy',
    ],
    ['loadstring("x")()', 'loadstring is blocked'],
    ['local x = h:metadata():get("a")["a"]["b"]', 'a field of it is nil'],
    [
      'local m = h:streamInfo():dynamicMetadata():get("jwt"); local x = m["a"]["b"]',
      'a field of it is nil',
    ],
    ['h:logInfo("b" .. h:headers():get("x"):match("y"))', 'may not match'],
  ])('rejects %s', (body, message) => {
    const problems = lintLua(script(body));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({
      field: 'script line 2',
      certain: true,
    });
    expect(problems[0]!.message).toContain(message);
  });

  it.each([
    'if false then h:clearRouteCache() end',
    'pcall(function() h:clearRouteCache() end)',
    'local function f() h:clearRouteCache() end f()',
    'if h:headers():get("x") then return end\nh:clearRouteCache()',
    'local x = h:headers():get("x") and h:route()',
    'while x do os.exit() end',
  ])('cannot tell of %s', body => {
    const problems = lintLua(script(body));
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.every(({ certain }) => !certain)).toBe(true);
  });

  it('knows since when there is a stand-in', () => {
    const context = script('local c = h:filterContext()');
    expect(lintLua(context, '1.9')).toEqual([]);
    expect(lintLua(context, '1.8')).toMatchObject([
      {
        certain: true,
        message: expect.stringContaining(
          'filterContext() works in Envoy, but the strict validator of Envoy Gateway 1.8',
        ),
      },
    ]);
  });

  it.each(['if x then', 'local goto = 1', 'local a = 0xFFULL'])(
    'rejects the syntax of %s',
    body => {
      expect(lintLua(script(body))[0]!.message).toContain('syntax error');
    },
  );

  it.each([
    'local x = 1',
    '-- envoy_on_request is elsewhere\nlocal x = 1',
    'local function envoy_on_request(h) end',
    'M = {} function M.envoy_on_request(h) end',
    '-- no envoy_on_response\nfunction envoy_on_request(h) end',
  ])('rejects %s, for its entry points', source => {
    expect(lintLua(source)).toMatchObject([{ field: 'script', certain: true }]);
  });

  it('takes an entry point that is assigned', () => {
    expect(lintLua('envoy_on_request = function(h) end')).toEqual([]);
  });
});
