-- Finds what should not be in requests and responses, and blocks, masks or reports it: docs/purpose.md.
-- This is the place for changes of the logic; what is found stands in detectors.lua, and how
-- a text is read in readings.lua. `make build` joins the parts in src/ to build/filter.lua.

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
  local keys = { "request", "response", "patterns", "maskWith", "keepDigits", "contentTypes", "unreadable" }
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
  check_one_of(settings.unreadable, { "reject", "pass" }, "settings.unreadable")
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

-- Marks the bytes of a match that are to be hidden. Of a card number, the last digits and the separators stay; of numbers
-- that overlap, the digits that stay in each. A NUL is no character but a half of one.
local function hide(hidden, source, reading, start, stop, detector, settings)
  local keep = detector.key == "cards" and tonumber(settings.keepDigits) or 0
  for at = stop - 1, start, -1 do
    local stays = detector.key == "cards" and not is(DIGIT, reading.text, at)
    if not stays and keep > 0 then
      keep, stays = keep - 1, true
    end
    if not stays then
      local first, past = source_of(reading, at)
      for place = first, past - 1 do
        hidden[place] = source:byte(place) ~= 0
      end
    end
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

-- Looks for everything in a text, in every reading of it, and adds to the counts of the rules. Returns the text with
-- what is to be masked masked, and whether something is to be blocked. Every detector sees the text as it came.
local function inspect(text, rules, counts, settings)
  local blocked, hidden, most = false, {}, {}
  for _, reading in ipairs(readings_of(text)) do
    for index, rule in ipairs(rules) do
      local count, detector = 0, rule.detector
      for _, search_in in ipairs(detector.searches) do
        local next_from = search_in(reading.text)
        local start, stop = next_from(1)
        while start do
          count = count + 1
          blocked = blocked or rule.action == "block"
          if rule.action == "mask" then
            hide(hidden, text, reading, start, stop, detector, settings)
          end
          start, stop = next_from(detector.overlaps and start + 1 or stop)
        end
      end
      -- In another reading the same match is there again.
      most[index] = math.max(most[index] or 0, count)
    end
  end
  for index, count in pairs(most) do
    counts[index] = (counts[index] or 0) + count
  end
  return masked(text, hidden, settings.maskWith), blocked
end

-- One line in Envoy's log for each detector that found something in a place. It has nothing of what was found.
local function report(handle, direction, place, rules, counts)
  for index, rule in ipairs(rules) do
    if counts[index] and counts[index] > 0 then
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
local NOT_READ = problem(
  415,
  "Unsupported Media Type",
  "The body cannot be read for inspection; send it as UTF-8 and without a content-encoding."
)
local REPLACED = problem(502, "Bad Gateway", "The response cannot be let through.")

local function refuse(handle, status, body)
  handle:respond({ [":status"] = status, ["content-type"] = "application/problem+json" }, body)
end

-- respond() does not exist on the way back: the response becomes another one, of which nothing is the upstream's.
local function replace_headers(handle)
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
  return headers
end

local function replace_with_problem(handle, body)
  replace_headers(handle):replace("content-length", tostring(#REPLACED))
  body:setBytes(REPLACED)
end

-- The same for a response that may never end. Its headers leave when its first piece is waited for.
local function replace_stream(handle)
  replace_headers(handle)
  local text = REPLACED
  for piece in handle:bodyChunks() do
    piece:setBytes(text)
    text = ""
  end
end

-- What is inspected of a body at most: it takes the worker's time, in which it serves nobody else.
local MAX_BODY = 64 * 1024

local function values_of(headers, name)
  local values = {}
  for index = 0, headers:getNumValues(name) - 1 do
    values[#values + 1] = (headers:getAtIndex(name, index) or ""):lower()
  end
  return values
end

-- All types that a message claims, in lower case without parameters; "" for one that is left out. Where headers
-- contradict each other, another reader may believe another of them, so each counts.
local function media_types(headers)
  local types = {}
  for _, line in ipairs(values_of(headers, "content-type")) do
    for one in (line .. ","):gmatch("([^,]*),") do
      types[#types + 1] = one:match("^%s*([^;]*)"):match("^(.-)%s*$")
    end
  end
  return types
end

local function is_of_type(media_type, patterns)
  for _, pattern in ipairs(patterns) do
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

-- Whether a body is of a type that is looked at. One without a type is, or leaving the type out would be a way around.
local function is_inspected(types, settings)
  for _, media_type in ipairs(types) do
    if media_type == "" or is_of_type(media_type, settings.contentTypes) then
      return true
    end
  end
  return #types == 0
end

local function is_multipart(types)
  for _, media_type in ipairs(types) do
    if media_type:find("^multipart/") then
      return true
    end
  end
  return false
end

-- Charsets that are ASCII for ASCII characters, or have two or four bytes for each of them. In others (UTF-7, Shift_JIS,
-- EBCDIC) the bytes of ASCII characters mean something else.
local CHARSETS = { "^utf%-?8$", "^ascii$", "^us%-ascii$", "^latin%-?1$", "^iso%-?8859%-%d%d?$" }
for _, pattern in ipairs({ "^windows%-125%d$", "^cp125%d$", "^utf%-?16$", "^utf%-?16[lb]e$", "^utf%-?32$", "^utf%-?32[lb]e$" }) do
  CHARSETS[#CHARSETS + 1] = pattern
end

local function is_known(charset)
  for _, pattern in ipairs(CHARSETS) do
    if charset:find(pattern) then
      return true
    end
  end
  return false
end

-- Whether a content type names only charsets that are known, or plainly none. Receivers read a parameter that is not
-- written plainly in different ways: a continuation (charset*0), an extended value (charset*), a value with blanks,
-- escapes or a part of a quoted text (RFC 2231, RFC 9110). So whatever has "charset" in it and is not charset=value or
-- charset="value" is not known.
local function has_known_charsets(line)
  if line:find("[^\t -~]") then
    return false
  end
  for part in line:gmatch("[^;,]+") do -- quotes are no hindrance: a receiver may not know them
    if part:find("charset", 1, true) then
      local value = part:match("^[ \t]*charset[ \t]*=[ \t]*(.-)[ \t]*$")
      if not value or not is_known(value:match('^"(.*)"$') or value) then
        return false
      end
    end
  end
  return true
end

local function is_plain_encoding(line)
  for _, encoding in ipairs(PLAIN_ENCODINGS) do
    if line:match("^%s*(.-)%s*$") == encoding then
      return true
    end
  end
  return false
end

-- Whether a body can be read: without an encoding, in a charset that is known, and as a whole.
local function is_readable(headers)
  for _, line in ipairs(values_of(headers, "content-encoding")) do
    for coding in line:gmatch("[^,%s]+") do
      if coding ~= "identity" then
        return false
      end
    end
  end
  for _, line in ipairs(values_of(headers, "content-transfer-encoding")) do -- not for HTTP; some servers decode it
    if not is_plain_encoding(line) then
      return false
    end
  end
  for _, line in ipairs(values_of(headers, "content-type")) do
    if not has_known_charsets(line) then
      return false
    end
  end
  return headers:get(":status") ~= "206" -- a part, of which the rest went by before or comes later
end

local function inspect_path(handle, settings, rules)
  local path_rules, counts = {}, {}
  for index, rule in ipairs(rules) do
    -- Another path would be another resource: what would be masked is blocked.
    path_rules[index] = { detector = rule.detector, action = rule.action == "mask" and "block" or rule.action }
  end
  local _, blocked = inspect(handle:headers():get(":path") or "", path_rules, counts, settings)
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

local function unreadable_rules(settings)
  return { { detector = UNREADABLE, action = settings.unreadable == "reject" and "block" or "pass" } }
end

local function report_unreadable(handle, direction, settings)
  report(handle, direction, "body", unreadable_rules(settings), { 1 })
end

-- Waits for the whole body. Returns what became of it: nil (nothing to do), "unreadable" or "blocked".
local function inspect_body(handle, direction, settings, rules)
  local headers = handle:headers()
  local types = media_types(headers)
  if #rules == 0 or not (is_inspected(types, settings) or headers:get(":status") == "206") then
    return nil
  end
  local readable, multipart = is_readable(headers), is_multipart(types)
  local body = handle:body()
  if not body or body:length() == 0 then
    return nil
  end
  if not readable or body:length() > MAX_BODY then
    report_unreadable(handle, direction, settings)
    return settings.unreadable == "reject" and "unreadable" or nil, body
  end
  local text, counts = body:getBytes(0, body:length()), {}
  if multipart then
    local unreadable = unreadable_rules(settings)
    local _, refused = inspect(text, unreadable, counts, settings)
    report(handle, direction, "body", unreadable, { math.min(counts[1], 1) })
    if refused then
      return "unreadable", body
    end
    counts = {}
  end
  local new, blocked = inspect(text, rules, counts, settings)
  report(handle, direction, "body", rules, counts)
  if blocked then
    return "blocked", body
  end
  if new ~= text then
    body:setBytes(new) -- as long as before: content-length stays right
  end
end

-- Where the script keeps for the response that its request was HEAD.
local NAMESPACE = "eg.content_inspection"

local function keep_method(handle)
  if handle:headers():get(":method") == "HEAD" then
    handle:streamInfo():dynamicMetadata():set(NAMESPACE, "head", "yes")
  end
end

-- Whether a response is a stream of events that follow: handle:body() would wait for its end, which may never come.
local function is_event_stream(handle)
  local headers = handle:headers()
  local status = headers:get(":status")
  local kept = handle:streamInfo():dynamicMetadata():get(NAMESPACE)
  if status == "204" or status == "304" or (type(kept) == "table" and kept.head) then
    return false -- there is no body
  end
  for _, media_type in ipairs(media_types(headers)) do
    if media_type == "text/event-stream" then
      return true
    end
  end
  return false
end

-- What follows an upgrade, such as the frames of a WebSocket, cannot be read.
local function on_upgrade(handle, settings)
  report_unreadable(handle, "request", settings)
  if settings.unreadable == "reject" then
    refuse_upgrade(handle)
  end
end

local function on_request(handle, settings)
  local inspects_responses = #rules_of(settings.response) > 0
  if inspects_responses then
    keep_method(handle)
    -- What is encoded or only a part could not be inspected.
    local headers = handle:headers()
    headers:replace("accept-encoding", "identity")
    headers:remove("range")
    headers:remove("if-range")
  end
  local rules = rules_of(settings.request)
  local places = {}
  for _, place in ipairs(#rules > 0 and settings.request.places or {}) do
    places[place] = true
  end
  if places.path then
    inspect_path(handle, settings, rules)
  end
  for _, name in ipairs(#rules > 0 and settings.request.headers or {}) do
    inspect_header(handle, name, settings, rules)
  end
  if is_upgrade(handle:headers()) then
    if places.body or inspects_responses then
      on_upgrade(handle, settings)
    end
  elseif places.body then
    local outcome = inspect_body(handle, "request", settings, rules)
    if outcome == "unreadable" then
      refuse(handle, "415", NOT_READ)
    elseif outcome == "blocked" then
      refuse(handle, "403", REFUSED)
    end
  end
end

local function on_response(handle, settings)
  local rules = rules_of(settings.response)
  if #rules == 0 or is_upgraded(handle:headers()) then
    return
  end
  if is_event_stream(handle) and is_inspected({ "text/event-stream" }, settings) then
    report_unreadable(handle, "response", settings)
    if settings.unreadable == "reject" then
      replace_stream(handle)
    end
    return
  end
  local outcome, body = inspect_body(handle, "response", settings, rules)
  if outcome then
    replace_with_problem(handle, body)
  end
end
