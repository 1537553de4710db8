-- Allows or denies requests by ordered rules as the settings say: docs/purpose.md.
-- This is the place for changes of the logic. `make build` joins the parts in src/ to build/filter.lua, path.lua and
-- claims.lua among them.

local function set_of(...)
  local set = {}
  for _, member in ipairs({ ... }) do
    set[member] = true
  end
  return set
end

-- Conditions on one claim or header: the key of what they compare with.
local CLAIM_CONDITIONS = {
  present = false, equals = "value", contains = "value", ["one-of"] = "values",
  ["equals-segment"] = "segment", ["equals-header"] = "name", ["equals-query"] = "name", ["equals-host"] = false,
}
local HEADER_CONDITIONS = { present = false, equals = "value", ["one-of"] = "values" }
local METHODS = set_of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

-- Headers that say nothing a decision may rest on: credentials that nobody has verified, addresses that anyone can
-- send, and what Envoy sets itself.
local UNMATCHABLE = set_of(
  "authorization", "proxy-authorization", "cookie", "forwarded", "x-real-ip", "x-request-id", "host", "connection",
  "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"
)

local function check_text(value, field)
  if type(value) ~= "string" or value == "" then
    reject(field, value, "it must be a text that is not empty")
  end
end

local function check_one_of(value, allowed, field)
  for _, text in ipairs(allowed) do
    if value == text then
      return
    end
  end
  reject(field, value, "it must be one of " .. table.concat(allowed, ", "))
end

-- Every element passes the check; fields are counted as in the policy, from 0.
local function check_each(list, field, check)
  check_list(list, field)
  for index, element in ipairs(list) do
    check(element, field .. "[" .. (index - 1) .. "]")
  end
end

local function check_condition(condition, subject, conditions, field)
  local is = type(condition) == "table" and condition.is or nil
  local compares = conditions[is or ""]
  if compares == nil then
    reject(field .. ".is", is, "it must be one of present, equals, one-of, and for claims contains and equals-…; see docs/purpose.md")
  end
  check_object(condition, compares and { "is", subject, compares } or { "is", subject }, field)
  if compares == "value" then
    check_text(condition.value, field .. ".value")
  elseif compares == "values" then
    check_each(condition.values, field .. ".values", check_text)
    check_text(condition.values[1], field .. ".values[0]")
  end
end

local function check_matchable(name, field)
  if type(name) ~= "string" or not name:find("^[%l%d-]+$") then
    reject(field, name, "it must be the name of a header, in lower case")
  end
  if UNMATCHABLE[name] or name:find("^x%-forwarded%-") or name:find("^x%-envoy%-") then
    reject(field, name, "a decision must not rest on this header; use another")
  end
end

local function check_header(condition, field)
  check_condition(condition, "name", HEADER_CONDITIONS, field)
  check_matchable(condition.name, field .. ".name")
end

local function check_claim(condition, field)
  check_condition(condition, "claim", CLAIM_CONDITIONS, field)
  check_each(condition.claim, field .. ".claim", check_text)
  check_text(condition.claim[1], field .. ".claim[0]")
  if condition.is == "equals-header" then
    check_matchable(condition.name, field .. ".name")
  elseif condition.is == "equals-query" then
    if type(condition.name) ~= "string" or not condition.name:find("^[%w._~%-]+$") then
      reject(field .. ".name", condition.name, "it must be the name of a query parameter: letters, digits and . _ ~ - only")
    end
  elseif condition.is == "equals-segment" then
    local number = tonumber(condition.segment) or 0
    if number < 1 or number % 1 ~= 0 then
      reject(field .. ".segment", condition.segment, "it must be a whole number from 1; 1 is the first segment")
    end
  end
end

local function check_path(pattern, field)
  check_object(pattern, { "match", "path" }, field)
  check_one_of(pattern.match, { "exact", "prefix", "segments" }, field .. ".match")
  local remedy = path_remedy(pattern.match, pattern.path)
  if remedy then
    reject(field .. ".path", pattern.path, remedy)
  end
end

local function check_rule(rule, field)
  check_object(rule, { "name", "effect", "methods", "paths", "headers", "claims" }, field)
  check_text(rule.name, field .. ".name")
  check_one_of(rule.effect, { "allow", "deny" }, field .. ".effect")
  check_each(rule.methods, field .. ".methods", function(method, where)
    if not METHODS[method] then
      reject(where, method, "it must be a method in upper case, such as GET")
    end
  end)
  check_each(rule.paths, field .. ".paths", check_path)
  check_each(rule.headers, field .. ".headers", check_header)
  check_each(rule.claims, field .. ".claims", check_claim)
end

local function check_settings(settings)
  check_object(settings, { "rules", "provider", "pathCase", "decisionLog", "subject", "mode" }, "settings")
  check_one_of(settings.pathCase, { "sensitive", "ignored" }, "settings.pathCase")
  check_one_of(settings.decisionLog, { "all", "denied", "none" }, "settings.decisionLog")
  check_one_of(settings.mode, { "enforce", "report-only" }, "settings.mode")
  check_each(settings.subject, "settings.subject", check_text)
  local needs_claims = #settings.subject > 0
  local names = {}
  check_each(settings.rules, "settings.rules", function(rule, field)
    check_rule(rule, field)
    if names[rule.name] then
      reject(field .. ".name", rule.name, "it must be a name of its own")
    end
    names[rule.name] = true
    needs_claims = needs_claims or #rule.claims > 0
  end)
  if type(settings.provider) ~= "string" or (needs_claims and settings.provider == "") then
    reject("settings.provider", settings.provider, "it must be the name in SecurityPolicy spec.jwt.providers[]")
  end
end

local function contains(list, value)
  for _, element in ipairs(list) do
    if element == value then
      return true
    end
  end
  return false
end

-- Whether the function holds for all elements, or, with `any`, for one.
local function holds_for(list, any, holds)
  for _, element in ipairs(list) do
    if holds(element) == any then
      return any
    end
  end
  return not any
end

local function header_lines(headers, name)
  local lines = {}
  for index = 0, headers:getNumValues(name) - 1 do
    lines[#lines + 1] = headers:getAtIndex(name, index)
  end
  return lines
end

-- The elements of all lines that are lists with commas.
local function elements(lines)
  local all = {}
  for _, line in ipairs(lines) do
    for element in line:gmatch("[^,]+") do
      all[#all + 1] = element:match("^[ \t]*(.-)[ \t]*$")
    end
  end
  return all
end

local function header_holds(headers, condition, allows)
  local lines = header_lines(headers, condition.name)
  if condition.is == "present" or #lines == 0 then
    return #lines > 0
  end
  local values = condition.values or { condition.value }
  local function is_one(line)
    return contains(values, line)
  end
  -- A second line never widens what is allowed, and never evades what is denied. Nor does a list in one line, which
  -- means the same (RFC 9110, 5.3).
  return holds_for(lines, not allows, is_one) or (not allows and holds_for(elements(lines), true, is_one))
end

-- The text without percent-encoding and with + as a blank, as forms are decoded; nil if an escape is none.
local function form_decoded(text)
  return unescape((text:gsub("+", " ")))
end

-- What names have in common that some server takes for one: names without regard to case, tenant[] and tenant[x] (PHP,
-- Rails and qs put them in the place of tenant), names with blanks around them, names that end at a zero byte, and a dot
-- or a blank for an underscore (PHP, variables from external sources).
local function parameter_name(name)
  local base = name:match("^([^%z%[]+)") or name
  return (lower_ascii(base:match("^%s*(.-)%s*$")):gsub("[. ]", "_"))
end

-- All values of a parameter, under every name that some server takes for it. nil for a query that servers read in
-- different ways: with escapes that are none, or with ; which some take for &.
local function query_values(target, parameter)
  local query = target:match("%?(.*)$") or ""
  if query:find(";", 1, true) then
    return nil
  end
  local values, wanted = {}, parameter_name(parameter)
  for pair in query:gmatch("[^&]+") do
    local key, value = pair:match("^([^=]*)=?(.*)$")
    local name, text = form_decoded(key), form_decoded(value)
    if not name or not text then
      return nil
    end
    if parameter_name(name) == wanted then
      values[#values + 1] = text
    end
  end
  return values
end

-- Without the port and the dot of the root, in lower case.
local function host_name(authority)
  return (lower_ascii(authority):gsub(":%d*$", ""):gsub("%.$", ""))
end

-- The values that the request has in the place that a condition names; nil where servers disagree about them.
local function own_values(condition, request)
  if condition.is == "equals-segment" then
    return { request.segments[tonumber(condition.segment)] }
  elseif condition.is == "equals-header" then
    return header_lines(request.headers, condition.name)
  elseif condition.is == "equals-query" then
    return query_values(request.path, condition.name)
  end
  return { host_name(request.headers:get(":authority") or "") }
end

-- Strict with several values: another one never widens what is allowed, and never evades what is denied. Nor does what
-- cannot be read.
local function own_holds(condition, claims, request, allows)
  local values = own_values(condition, request)
  if not values then
    return not allows
  end
  local folds = condition.is == "equals-host" or (condition.is == "equals-segment" and request.ignore_case)
  local texts = claim_texts(claims, condition.claim)
  local function same(value)
    return value ~= "" and holds_for(texts, true, function(text)
      return text == value or (folds and lower_ascii(text) == lower_ascii(value))
    end)
  end
  if not allows and condition.is == "equals-header" and holds_for(elements(values), true, same) then
    return true
  end
  return #values > 0 and holds_for(values, not allows, same)
end

local function claim_holds(claims, condition, request, allows)
  if condition.is:find("^equals%-") then
    return own_holds(condition, claims, request, allows)
  end
  local scalar = claim_text(claim_at(claims, condition.claim))
  local texts = claim_texts(claims, condition.claim)
  if condition.is == "present" then
    return #texts > 0
  elseif condition.is == "equals" then
    return scalar == condition.value
  elseif condition.is == "contains" and scalar then
    return (" " .. scalar .. " "):find(" " .. condition.value .. " ", 1, true) ~= nil and not condition.value:find(" ", 1, true)
  end
  local values = condition.values or { condition.value }
  return holds_for(texts, true, function(text)
    return contains(values, text)
  end)
end

-- The patterns of the rules, prepared once for settings of the same content, which are one table.
local prepared_settings, prepared_patterns

local function prepare(settings)
  if prepared_settings == settings then
    return
  end
  prepared_settings, prepared_patterns = settings, {}
  for _, rule in ipairs(settings.rules) do
    for _, pattern in ipairs(rule.paths) do
      prepared_patterns[pattern] = prepared_pattern(pattern)
    end
  end
end

-- Whether a rule matches, its claims aside.
local function rule_matches(rule, request)
  return (#rule.methods == 0 or contains(rule.methods, request.method))
    and (#rule.paths == 0 or holds_for(rule.paths, true, function(pattern)
      return path_matches(prepared_patterns[pattern], request.segments, request.ignore_case)
    end))
    and holds_for(rule.headers, false, function(condition)
      return header_holds(request.headers, condition, rule.effect == "allow")
    end)
end

-- The first rule that matches decides; what none matches is denied. Returns the effect, the reason and the rule.
local function decide(rules, request)
  if not request.segments then
    return "deny", "ambiguous_path", ""
  end
  local effect, reason, name = "deny", "no_rule", ""
  local missed = false -- a rule would have allowed it, had there been claims
  for _, rule in ipairs(rules) do
    if rule_matches(rule, request) then
      if #rule.claims > 0 and not request.claims then
        missed = missed or rule.effect == "allow"
      elseif holds_for(rule.claims, false, function(condition)
        return claim_holds(request.claims, condition, request, rule.effect == "allow")
      end) then
        effect, reason, name = rule.effect, "rule", rule.name
        break
      end
    end
  end
  if missed and effect == "deny" then
    return "deny", "claims_missing", ""
  end
  return effect, reason, name
end

local function json_text(text)
  return '"' .. text:gsub('[%c"\\]', function(character)
    return string.format("\\u%04x", character:byte())
  end) .. '"'
end

-- One line for the decision log. Tokens are in headers and queries, so neither is part of it.
local function log_line(request, settings, effect, reason, name)
  local subject = #settings.subject > 0 and claim_text(claim_at(request.claims, settings.subject))
  return '{"event":"authorization","decision":"' .. effect .. '","reason":"' .. reason
    .. '","rule":' .. json_text(name)
    .. ',"method":' .. json_text(printable_path(request.method))
    .. ',"path":' .. json_text(printable_path(request.path))
    .. (subject and ',"subject":' .. json_text(subject) or "")
    .. ',"mode":"' .. settings.mode .. '"}'
end

local function refuse(handle, reason)
  local status, title, challenge = "403", "Forbidden", nil
  if reason == "claims_missing" then
    status, title, challenge = "401", "Unauthorized", "Bearer"
  end
  handle:respond(
    { [":status"] = status, ["content-type"] = "application/problem+json", ["www-authenticate"] = challenge },
    '{"type":"about:blank","title":"' .. title .. '","status":' .. status .. "}"
  )
end

local function on_request(handle, settings)
  prepare(settings)
  local headers = handle:headers()
  local path = headers:get(":path") or ""
  local request = {
    method = headers:get(":method") or "",
    path = path,
    headers = headers,
    segments = path_segments(path),
    ignore_case = settings.pathCase == "ignored",
    claims = settings.provider ~= "" and verified_claims(handle, settings.provider) or nil,
  }
  local effect, reason, name = decide(settings.rules, request)
  local log = settings.decisionLog
  if log == "all" or (log == "denied" and effect == "deny") then
    handle:logInfo(log_line(request, settings, effect, reason, name))
  end
  if effect == "deny" and settings.mode == "enforce" then
    refuse(handle, reason)
  end
end

local function on_response() end
