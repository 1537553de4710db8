-- Finds what should not be in requests and responses, and blocks, masks or reports it: docs/purpose.md.
-- This is the place for changes of the logic; what is found stands in detectors.lua. `make build` joins the parts in
-- src/ to build/filter.lua.

local function check_one_of(value, allowed, field)
  for _, choice in ipairs(allowed) do
    if value == choice then
      return
    end
  end
  reject(field, value, "it must be one of " .. table.concat(allowed, ", "))
end

-- An attack that is cut out of a text may leave another one, so it is never masked.
local ACTIONS, ATTACK_ACTIONS = { "off", "report", "mask", "block" }, { "off", "report", "block" }

local function check_direction(value, keys, with_attacks, field)
  for _, detector in ipairs(DETECTORS) do
    if with_attacks or not detector.attack then
      keys[#keys + 1] = detector.key
    end
  end
  check_object(value, keys, field)
  for _, detector in ipairs(DETECTORS) do
    if with_attacks or not detector.attack then
      check_one_of(value[detector.key], detector.attack and ATTACK_ACTIONS or ACTIONS, field .. "." .. detector.key)
    end
  end
end

local function check_settings(settings)
  local keys = { "request", "response", "patterns", "maskWith", "keepDigits", "contentTypes", "encoded" }
  check_object(settings, keys, "settings")
  check_direction(settings.request, { "places", "headers" }, true, "settings.request")
  check_direction(settings.response, {}, false, "settings.response")
  check_list(settings.request.places, "settings.request.places")
  for index, place in ipairs(settings.request.places) do
    check_one_of(place, { "path", "body" }, "settings.request.places[" .. (index - 1) .. "]")
  end
  check_list(settings.request.headers, "settings.request.headers")
  for index, name in ipairs(settings.request.headers) do
    check_header_name(name, "settings.request.headers[" .. (index - 1) .. "]")
  end
  check_list(settings.patterns, "settings.patterns")
  if settings.patterns[1] then
    error("settings.patterns has patterns; Lua has no regular expressions that are linear in the text: remove them", 0)
  end
  check_one_of(settings.maskWith, { "*", "x", "X", "#", "1" }, "settings.maskWith")
  local keep = tonumber(settings.keepDigits)
  if not keep or keep < 0 or keep > 4 or keep % 1 ~= 0 then
    reject("settings.keepDigits", settings.keepDigits, "it must be a number from 0 to 4")
  end
  check_list(settings.contentTypes, "settings.contentTypes")
  for index, media_type in ipairs(settings.contentTypes) do
    if type(media_type) ~= "string" or not media_type:find("^[^*A-Z; ]*%*?[^*A-Z; ]*$") then
      local field = "settings.contentTypes[" .. (index - 1) .. "]"
      reject(field, media_type, "it must be a media type in lower case without parameters, with at most one *")
    end
  end
  check_one_of(settings.encoded, { "refuse", "pass" }, "settings.encoded")
end

-- The detectors that are on in a direction, with what they do.
local function rules_of(actions)
  local rules = {}
  for _, detector in ipairs(DETECTORS) do
    local action = actions[detector.key] or "off"
    if action ~= "off" then
      rules[#rules + 1] = { detector = detector, action = action }
    end
  end
  return rules
end

-- Marks the bytes of a match that are to be hidden. Of a card number, the last digits and the separators stay.
local function hide(hidden, text, start, stop, detector, settings)
  local keep = detector.key == "cards" and tonumber(settings.keepDigits) or 0
  for at = stop - 1, start, -1 do
    local stays = detector.key == "cards" and not is(DIGIT, text, at)
    if not stays and keep > 0 then
      keep, stays = keep - 1, true
    end
    hidden[at] = hidden[at] or not stays
  end
end

-- The text with the marked bytes hidden.
local function masked(text, hidden, with)
  local places = {}
  for at, is_hidden in pairs(hidden) do
    if is_hidden then
      places[#places + 1] = at
    end
  end
  table.sort(places)
  local parts, from = {}, 1
  for _, at in ipairs(places) do
    parts[#parts + 1] = text:sub(from, at - 1) .. with
    from = at + 1
  end
  parts[#parts + 1] = text:sub(from)
  return table.concat(parts)
end

-- Looks for everything in a text, and adds to the counts of the rules. Returns the text with what is to be masked
-- masked, and whether something is to be blocked. Every detector sees the text as it came.
local function inspect(text, rules, counts, settings)
  local blocked, hidden = false, {}
  for index, rule in ipairs(rules) do
    local start, stop = rule.detector.find(text, 1)
    while start do
      counts[index] = (counts[index] or 0) + 1
      blocked = blocked or rule.action == "block"
      if rule.action == "mask" then
        hide(hidden, text, start, stop, rule.detector, settings)
      end
      start, stop = rule.detector.find(text, stop)
    end
  end
  return masked(text, hidden, settings.maskWith), blocked
end

-- One line in Envoy's log for each detector that found something in a place. It has nothing of what was found.
local function report(handle, direction, place, rules, counts)
  for index, rule in ipairs(rules) do
    if counts[index] then
      handle:logWarn(
        string.format(
          '{"event":"content_inspection","direction":"%s","place":"%s","detector":"%s","action":"%s","count":%d}',
          direction,
          place,
          rule.detector.name,
          rule.action,
          counts[index]
        )
      )
    end
  end
end

-- The answers do not say what was found: that would help who looks for a way around. RFC 9457.
local function problem(status, title, detail)
  return string.format('{"type":"about:blank","title":"%s","status":%d,"detail":"%s"}\n', title, status, detail)
end

local REFUSED = problem(403, "Forbidden", "The request contains something that is not let through.")
local ENCODED = problem(
  415,
  "Unsupported Media Type",
  "The body is encoded and cannot be inspected; send it without a content-encoding."
)
local REPLACED = problem(502, "Bad Gateway", "The response cannot be let through.")

local function refuse(handle, status, body)
  handle:respond({ [":status"] = status, ["content-type"] = "application/problem+json" }, body)
end

-- respond() does not exist on the way back: the response becomes another one, of which nothing is the upstream's.
local function replace_with_problem(handle, body)
  local headers, names = handle:headers(), {}
  for name in pairs(headers) do
    names[#names + 1] = name
  end
  for _, name in ipairs(names) do
    if name ~= ":status" then
      headers:remove(name)
    end
  end
  headers:replace(":status", "502")
  headers:replace("content-type", "application/problem+json")
  headers:replace("content-length", tostring(#REPLACED))
  body:setBytes(REPLACED)
end

-- Percent-encoding taken off once, + read as a blank. What is no valid encoding stays.
local function decoded(path)
  local text = path:gsub("+", " "):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end)
  return text
end

-- Whether a body is of a type that is looked at. One without a type is, or leaving the type out would be a way around.
local function is_inspected(headers, settings)
  local media_type = (headers:get("content-type") or ""):match("^%s*([^;]*)"):lower():match("^(.-)%s*$")
  if media_type == "" then
    return true
  end
  for _, pattern in ipairs(settings.contentTypes) do
    local before, after = pattern:match("^(.-)%*(.*)$")
    local long_enough = before and #media_type >= #before + #after
    if media_type == pattern then
      return true
    elseif long_enough and media_type:sub(1, #before) == before and media_type:sub(#media_type - #after + 1) == after then
      return true
    end
  end
  return false
end

local function is_encoded(headers)
  for coding in (headers:get("content-encoding") or ""):gmatch("[^,%s]+") do
    if coding:lower() ~= "identity" then
      return true
    end
  end
  return false
end

local function inspect_path(handle, settings, rules)
  local path_rules, counts = {}, {}
  for index, rule in ipairs(rules) do
    -- Another path would be another resource: what would be masked is blocked.
    path_rules[index] = { detector = rule.detector, action = rule.action == "mask" and "block" or rule.action }
  end
  local _, blocked = inspect(decoded(handle:headers():get(":path") or ""), path_rules, counts, settings)
  report(handle, "request", "path", path_rules, counts)
  if blocked then
    refuse(handle, "403", REFUSED)
  end
end

local function inspect_header(handle, name, settings, rules)
  local headers, counts, values, refused, changed = handle:headers(), {}, {}, false, false
  for index = 0, headers:getNumValues(name) - 1 do
    local value = headers:getAtIndex(name, index) or ""
    local text, blocked = inspect(value, rules, counts, settings)
    values[#values + 1] = text
    refused, changed = refused or blocked, changed or text ~= value
  end
  report(handle, "request", "header " .. name, rules, counts)
  if refused then
    refuse(handle, "403", REFUSED)
  end
  if changed then
    headers:remove(name)
    for _, value in ipairs(values) do
      headers:add(name, value)
    end
  end
end

-- Waits for the whole body. Returns what became of it: nil (nothing to do), "encoded" or "blocked".
local function inspect_body(handle, direction, settings, rules)
  local headers = handle:headers()
  if #rules == 0 or not is_inspected(headers, settings) then
    return nil
  end
  local encoded = is_encoded(headers)
  if encoded and settings.encoded == "pass" then
    return nil
  end
  local body = handle:body()
  if not body or body:length() == 0 then
    return nil
  end
  if encoded then
    return "encoded", body
  end
  local text, counts = body:getBytes(0, body:length()), {}
  local new, blocked = inspect(text, rules, counts, settings)
  report(handle, direction, "body", rules, counts)
  if blocked then
    return "blocked", body
  end
  if new ~= text then
    body:setBytes(new) -- as long as before: content-length stays right
  end
end

local function on_request(handle, settings)
  if #rules_of(settings.response) > 0 then
    -- An encoded response could not be inspected.
    handle:headers():replace("accept-encoding", "identity")
  end
  local rules = rules_of(settings.request)
  if #rules == 0 then
    return
  end
  local places = {}
  for _, place in ipairs(settings.request.places) do
    places[place] = true
  end
  if places.path then
    inspect_path(handle, settings, rules)
  end
  for _, name in ipairs(settings.request.headers) do
    inspect_header(handle, name, settings, rules)
  end
  if places.body then
    local outcome = inspect_body(handle, "request", settings, rules)
    if outcome == "encoded" then
      refuse(handle, "415", ENCODED)
    elseif outcome == "blocked" then
      refuse(handle, "403", REFUSED)
    end
  end
end

local function on_response(handle, settings)
  local outcome, body = inspect_body(handle, "response", settings, rules_of(settings.response))
  if outcome then
    replace_with_problem(handle, body)
  end
end
