-- What is found in texts, by detector. A detector gives the bytes that a match can begin with, as in [...] of a string
-- pattern, and a matcher; or a function of its own that finds the next match.

local DIGIT, LETTER, WORD, TOKEN = set("0-9"), set("A-Za-z"), set("0-9A-Za-z_"), set("0-9A-Za-z_-")
local ALPHANUMERIC, LABEL, MAIL = set("0-9A-Za-z"), set("0-9A-Za-z-"), set("0-9A-Za-z._%%+-")
local ANY_LENGTH = math.huge

-- The check of ISO/IEC 7812-1, annex B.
local function luhn(digits)
  local sum = 0
  for index, digit in ipairs(digits) do
    if (#digits - index) % 2 == 1 then
      digit = digit * 2
      if digit > 9 then
        digit = digit - 9
      end
    end
    sum = sum + digit
  end
  return sum % 10 == 0
end

-- 13 to 19 digits (ISO/IEC 7812), one blank or hyphen between any two, that pass the Luhn check.
local function card(text, at)
  local in_word = is(WORD, text, at - 1)
  local fraction = text:sub(at - 1, at - 1) == "." and is(DIGIT, text, at - 2)
  if in_word or (fraction and at > 2) then
    return nil
  end
  local digits, stop, best = {}, at, nil
  while #digits < 19 do
    if #digits > 0 and text:find("^[ -]", stop) then
      stop = stop + 1
    end
    if not is(DIGIT, text, stop) then
      break
    end
    digits[#digits + 1] = string.byte(text, stop) - 48
    stop = stop + 1
    if #digits >= 13 and not is(WORD, text, stop) and luhn(digits) then
      best = stop
    end
  end
  return best
end

-- The longest text that ends with a top-level domain.
local function domain(text, at)
  local best, labels = nil, 0
  while true do
    local stop = run(LABEL, 1, 64)(text, at)
    if not stop or stop - at > 63 then
      return best
    end
    if labels > 0 and stop - at > 1 and run(LETTER, 1, 64)(text, at) == stop then
      best = stop
    end
    if text:sub(stop, stop) ~= "." then
      return best
    end
    at, labels = stop + 1, labels + 1
  end
end

-- Nearly every byte can begin an address: from its @, there are fewer places to look at.
local function next_email(text, from)
  local at = from
  while true do
    at = text:find("@", at, true)
    if not at then
      return nil
    end
    local start = at
    while at - start <= 64 and is(MAIL, text, start - 1) do
      start = start - 1
    end
    local stop = domain(text, at + 1)
    if stop and start >= from and start < at and at - start <= 64 then
      return start, stop
    end
    at = at + 1
  end
end

local PEM = set("0-9A-Za-z+/=\\ \t\r\n\v\f:,-")
local PEM_END = sequence(one_of("-----END "), run(set("A-Z "), 1, 32), one_of("-----"))

-- The body of a PEM text (RFC 7468) and its last line. Line breaks may be those of a JSON string: \n.
local function pem_body(text, at)
  while is(PEM, text, at) do
    if text:sub(at, at + 8) == "-----END " then
      return PEM_END(text, at) or at
    end
    at = at + 1
  end
  return at
end

-- A prefix, and what follows.
local function token(...)
  return sequence(not_after(WORD), ...)
end

local MORE = run(TOKEN, 0, ANY_LENGTH)

-- The forms that the issuers of credentials document. To add one, give its prefix and the least that follows.
local CREDENTIALS = {
  token(one_of("AKIA", "ASIA"), run(set("0-9A-Z"), 16, 16), not_before(WORD)), -- AWS access key id
  token(one_of("AIza"), run(TOKEN, 35, 35), not_before(TOKEN)), -- Google API key
  token(one_of("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "npm_"), run(ALPHANUMERIC, 36, 36), MORE),
  token(one_of("github_pat_"), run(WORD, 22, 22), MORE),
  token(one_of("glpat-", "sk-ant-", "sk-proj-"), run(TOKEN, 20, 20), MORE), -- GitLab, Anthropic, OpenAI
  token(one_of("sk_live_", "sk_test_", "rk_live_", "rk_test_"), run(ALPHANUMERIC, 16, 16), MORE), -- Stripe
  token(one_of("xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"), run(LABEL, 10, 10), MORE), -- Slack
  token(one_of("eyJ"), run(TOKEN, 10, 1000), one_of(".eyJ"), run(set("0-9A-Za-z._-"), 0, ANY_LENGTH)), -- JWT
  sequence(
    one_of("-----BEGIN "),
    one_of(
      "PRIVATE KEY",
      "RSA PRIVATE KEY",
      "EC PRIVATE KEY",
      "DSA PRIVATE KEY",
      "OPENSSH PRIVATE KEY",
      "ENCRYPTED PRIVATE KEY",
      "PGP PRIVATE KEY BLOCK"
    ),
    one_of("-----"),
    pem_body
  ),
}

-- The beginnings of attacks, in any case, and with percent-encoding where it is usual in forms. They are heuristics:
-- what they miss is no proof of innocence.
local BLANK = any_case(" ", "\t", "\r", "\n", "+", "%20", "%09", "%0a", "%0d", "/**/")
local BLANKS, MAY_BLANKS = times(BLANK, 1, 8), times(BLANK, 0, 8)
local QUOTE = any_case("'", '"', "%27", "%22")
local WORD_END = not_before(WORD)

local SQL_INJECTION = {
  token(any_case("union"), BLANKS, optional(sequence(any_case("all"), BLANKS)), any_case("select"), WORD_END),
  sequence(
    QUOTE,
    MAY_BLANKS,
    any_case("or", "and"),
    BLANKS,
    optional(QUOTE),
    run(WORD, 1, 16),
    optional(QUOTE),
    MAY_BLANKS,
    any_case("=", "%3d", "<", ">")
  ),
  token(
    any_case("or", "and"),
    BLANKS,
    run(DIGIT, 1, 8),
    MAY_BLANKS,
    any_case("=", "%3d"),
    MAY_BLANKS,
    run(DIGIT, 1, 8)
  ),
  sequence(
    any_case(";", "%3b"),
    MAY_BLANKS,
    any_case("drop", "truncate", "alter"),
    BLANKS,
    any_case("table", "database", "schema"),
    WORD_END
  ),
  sequence(any_case(";", "%3b"), MAY_BLANKS, any_case("delete"), BLANKS, any_case("from"), WORD_END),
  sequence(any_case(";", "%3b"), MAY_BLANKS, any_case("insert"), BLANKS, any_case("into"), WORD_END),
  sequence(
    any_case("'", "%27"),
    MAY_BLANKS,
    optional(any_case(";", "%3b")),
    MAY_BLANKS,
    one_of("--"),
    not_before(TOKEN)
  ),
  token(any_case("sleep", "pg_sleep", "benchmark"), one_of("("), run(DIGIT, 1, 16)),
  token(any_case("waitfor"), BLANKS, any_case("delay"), WORD_END),
  token(any_case("into"), BLANKS, any_case("outfile", "dumpfile"), WORD_END),
  token(any_case("information_schema.", "xp_cmdshell")),
}

local DOT = any_case(".", "%2e", "%252e")

local PATH_TRAVERSAL = {
  sequence(not_after(set(".")), DOT, DOT, any_case("/", "\\", "%2f", "%5c", "%252f", "%255c", ";/")),
  sequence(any_case("/etc/passwd", "/etc/shadow"), WORD_END),
  any_case("/proc/self/"),
  any_case("\\windows\\system32", "\\windows\\win.ini"),
}

-- A function that finds the next match of a list of matchers: its first place and the place after it. Where two begin
-- at one place, the first in the list counts.
local function next_of(first, matchers)
  local pattern = "[" .. first .. "]"
  return function(text, from)
    local at = from
    while true do
      at = text:find(pattern, at)
      if not at then
        return nil
      end
      for _, matcher in ipairs(matchers) do
        local stop = matcher(text, at)
        if stop then
          return at, stop
        end
      end
      at = at + 1
    end
  end
end

-- Keys of the settings, names in events, and how the next match is found.
local DETECTORS = {
  { key = "cards", name = "cards", find = next_of("2-6", { card }) },
  { key = "emails", name = "emails", find = next_email },
  { key = "credentials", name = "credentials", find = next_of("Aegnrsx-", CREDENTIALS) },
  {
    key = "sqlInjection",
    name = "sql-injection",
    attack = true,
    find = next_of("'\";%%AaBbIiOoPpSsUuWwXx", SQL_INJECTION),
  },
  { key = "pathTraversal", name = "path-traversal", attack = true, find = next_of("./\\%%", PATH_TRAVERSAL) },
}
