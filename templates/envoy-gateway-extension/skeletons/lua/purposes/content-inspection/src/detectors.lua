-- What is found in texts, by detector. A form gives what its matches begin with, which string.find looks for at the
-- speed of C, and a matcher for the few places where that stands.

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

-- Matches begin where the string pattern matches.
local function form(pattern, ...)
  return { pattern = pattern, plain = false, match = sequence(...) }
end

-- Matches begin with the text.
local function literal(text, ...)
  return { pattern = text, plain = true, match = sequence(...) }
end

local AWS = token(one_of("AKIA", "ASIA"), run(set("0-9A-Z"), 16, 16), not_before(WORD)) -- AWS access key id
local STRIPE = token(one_of("sk_live_", "sk_test_", "rk_live_", "rk_test_"), run(ALPHANUMERIC, 16, 16), MORE)

-- The forms that the issuers of credentials document. To add one, give its prefix and the least that follows. Forms with
-- the same tail share a list: a match that begins within another is masked with it, as all of its bytes are bytes of the
-- tail. What one list finds hides nothing from another.
local WITHOUT_TAIL = {
  literal("AKIA", AWS),
  literal("ASIA", AWS),
  literal("AIza", token(one_of("AIza"), run(TOKEN, 35, 35), not_before(TOKEN))), -- Google API key
}
local TOKENS = {
  literal("gh", token(one_of("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), run(ALPHANUMERIC, 36, 36), MORE)),
  literal("npm_", token(one_of("npm_"), run(ALPHANUMERIC, 36, 36), MORE)),
  literal("github_pat_", token(one_of("github_pat_"), run(WORD, 22, 22), MORE)),
  literal("glpat-", token(one_of("glpat-"), run(TOKEN, 20, 20), MORE)), -- GitLab
  literal("sk-", token(one_of("sk-ant-", "sk-proj-"), run(TOKEN, 20, 20), MORE)), -- Anthropic, OpenAI
  literal("sk_", STRIPE),
  literal("rk_", STRIPE),
  literal("xox", token(one_of("xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"), run(LABEL, 10, 10), MORE)), -- Slack
}
local JSON_WEB_TOKENS = {
  literal("eyJ", token(one_of("eyJ"), run(TOKEN, 10, 1000), one_of(".eyJ"), run(set("0-9A-Za-z._-"), 0, ANY_LENGTH))),
}
local PRIVATE_KEYS = {
  literal(
    "-----BEGIN ",
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

-- The beginnings of attacks in lower case, and with percent-encoding where it is usual in forms. They are heuristics:
-- what they miss is no proof of innocence.
local BLANK = one_of(" ", "\t", "\r", "\n", "+", "%20", "%09", "%0a", "%0d", "/**/")
local BLANKS, MAY_BLANKS = times(BLANK, 1, 8), times(BLANK, 0, 8)
local QUOTE = one_of("'", '"', "%27", "%22")
local WORD_END = not_before(WORD)

local ALWAYS_TRUE = sequence(
  QUOTE,
  MAY_BLANKS,
  one_of("or", "and"),
  BLANKS,
  optional(QUOTE),
  run(WORD, 1, 16),
  optional(QUOTE),
  MAY_BLANKS,
  one_of("=", "%3d", "<", ">")
)
local ALWAYS_TRUE_NUMBERS = token(
  one_of("or", "and"),
  BLANKS,
  run(DIGIT, 1, 8),
  MAY_BLANKS,
  one_of("=", "%3d"),
  MAY_BLANKS,
  run(DIGIT, 1, 8)
)
local COMMENT =
  sequence(one_of("'", "%27"), MAY_BLANKS, optional(one_of(";", "%3b")), MAY_BLANKS, one_of("--"), not_before(TOKEN))

local SECOND = sequence(one_of(";", "%3b"), MAY_BLANKS)
local SECOND_STATEMENT = either(
  sequence(SECOND, one_of("drop", "truncate", "alter"), BLANKS, one_of("table", "database", "schema"), WORD_END),
  sequence(SECOND, one_of("delete"), BLANKS, one_of("from"), WORD_END),
  sequence(SECOND, one_of("insert"), BLANKS, one_of("into"), WORD_END)
)

local SQL_INJECTION = {
  literal("union", token(one_of("union"), BLANKS, optional(sequence(one_of("all"), BLANKS)), one_of("select"), WORD_END)),
  form("['\"][%s+%%/oa]", ALWAYS_TRUE),
  literal("%2", ALWAYS_TRUE),
  literal("or", ALWAYS_TRUE_NUMBERS),
  literal("and", ALWAYS_TRUE_NUMBERS),
  literal(";", SECOND_STATEMENT),
  literal("%3b", SECOND_STATEMENT),
  literal("'", COMMENT),
  literal("%27", COMMENT),
  literal("sleep(", token(one_of("sleep("), run(DIGIT, 1, 16))),
  literal("pg_sleep(", token(one_of("pg_sleep("), run(DIGIT, 1, 16))),
  literal("benchmark(", token(one_of("benchmark("), run(DIGIT, 1, 16))),
  literal("waitfor", token(one_of("waitfor"), BLANKS, one_of("delay"), WORD_END)),
  literal("into", token(one_of("into"), BLANKS, one_of("outfile", "dumpfile"), WORD_END)),
  literal("information_schema.", token(one_of("information_schema."))),
  literal("xp_cmdshell", token(one_of("xp_cmdshell"))),
}

local DOT = one_of(".", "%2e", "%252e")
local UP = sequence(not_after(set(".")), DOT, DOT, one_of("/", "\\", "%2f", "%5c", "%252f", "%255c", ";/"))

local PATH_TRAVERSAL = {
  literal("..", UP),
  literal(".%2", UP),
  literal("%2", UP),
  literal("/etc/", one_of("/etc/passwd", "/etc/shadow"), WORD_END),
  literal("/proc/self/", one_of("/proc/self/")),
  literal("\\windows\\", one_of("\\windows\\system32", "\\windows\\win.ini")),
}

-- These leave a body as it is (RFC 2045, section 6.2).
local PLAIN_ENCODINGS = { "7bit", "8bit", "binary" }

-- The rest of a line, which is not folded.
local PLAIN_LINE = sequence(
  run(set(" \t"), 0, ANY_LENGTH),
  one_of(unpack(PLAIN_ENCODINGS)),
  run(set(" \t"), 0, ANY_LENGTH),
  not_before(set("^\r\n")),
  optional(one_of("\r\n", "\r", "\n")),
  not_before(set(" \t"))
)

-- A colon behind which no plain encoding stands alone in its line.
local function not_plain_encoding(text, at)
  return not PLAIN_LINE(text, at) and at or nil
end

-- Parts of a multipart body that are written in an encoding of their own (RFC 7578, section 4.7), as some servers decode
-- them. How blanks, line breaks and comments around the name are read differs, so all that does not plainly say that
-- there is no such encoding is found.
local TRANSFER_ENCODED = {
  literal(
    "content-transfer-encoding",
    one_of("content-transfer-encoding"),
    run(set("%z\1- "), 0, ANY_LENGTH),
    one_of(":"),
    not_plain_encoding
  ),
}

local function next_match(forms, text, from)
  local at = text:find(forms.pattern, from, forms.plain)
  while at do
    local stop = forms.match(text, at)
    if stop then
      return { at, stop }
    end
    at = text:find(forms.pattern, at + 1, forms.plain)
  end
  return false
end

-- A search: for a text it gives a function that finds the next match from a place on, its first place and the place
-- after it. Where two forms begin at one place, the first in the list counts.
local function search(forms)
  return function(text)
    local nexts = {} -- by form; false if there is no more
    return function(from)
      local best
      for index, one in ipairs(forms) do
        if nexts[index] == nil or (nexts[index] and nexts[index][1] < from) then
          nexts[index] = next_match(one, text, from)
        end
        local found = nexts[index]
        if found and (not best or found[1] < best[1]) then
          best = found
        end
      end
      if best then
        return best[1], best[2]
      end
    end
  end
end

local function search_lower(forms)
  local inner = search(forms)
  return function(text)
    return inner(text:lower())
  end
end

local function search_emails(text)
  return function(from)
    return next_email(text, from)
  end
end

-- Keys of the settings, names in events, and how matches are found. Where matches of one search can overlap, each is
-- found, or what stands before a card number could hide it.
local CARDS, ALL_CREDENTIALS = {}, {}
CARDS[1] = search({ form("[2-6]" .. ("[ -]?%d"):rep(12), card) })
for index, forms in ipairs({ WITHOUT_TAIL, TOKENS, JSON_WEB_TOKENS, PRIVATE_KEYS }) do
  ALL_CREDENTIALS[index] = search(forms)
end
local DETECTORS = {
  { key = "cards", name = "cards", overlaps = true, searches = CARDS },
  { key = "emails", name = "emails", overlaps = true, searches = { search_emails } },
  { key = "credentials", name = "credentials", searches = ALL_CREDENTIALS },
  { key = "sqlInjection", name = "sql-injection", attack = true, searches = { search_lower(SQL_INJECTION) } },
  { key = "pathTraversal", name = "path-traversal", attack = true, searches = { search_lower(PATH_TRAVERSAL) } },
}

-- Not a setting: what `unreadable` decides about.
local UNREADABLE = { name = "unreadable", searches = { search_lower(TRANSFER_ENCODED) } }
