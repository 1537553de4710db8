-- Sets, appends, removes and renames headers as the settings say, with fixed values or with values of the request:
-- docs/purpose.md.
-- This is the place for changes of the logic. `make build` joins the parts in src/ to build/filter.lua.

-- Keys of an operation, by its action.
local KEYS = {
  set = { "action", "name", "value" },
  append = { "action", "name", "value" },
  ["set-from"] = { "action", "name", "from", "part", "table", "prefix", "suffix", "default" },
  ["append-from"] = { "action", "name", "from", "part", "table", "prefix", "suffix", "default" },
  remove = { "action", "name" },
  rename = { "action", "name", "to" },
}

-- Keys of a source, by its kind.
local SOURCE_KEYS = {
  header = { "kind", "name" },
  ["request-header"] = { "kind", "name" },
  cookie = { "kind", "name" },
  path = { "kind" },
  ["path-segment"] = { "kind", "segment" },
  query = { "kind", "name" },
}

-- Keys of a part, by its kind. There are no patterns: Lua has no regular expressions.
local PART_KEYS = {
  whole = { "kind" },
  separated = { "kind", "separator", "number" },
}

local function check_number(value, field, remedy)
  local number = tonumber(value) or 0
  if number == 0 or number % 1 ~= 0 then
    reject(field, value, remedy)
  end
  return number
end

local function check_input(from, field)
  local kind = type(from) == "table" and from.kind or nil
  if not SOURCE_KEYS[kind or ""] then
    reject(field .. ".kind", kind, "it must be one of header, request-header, cookie, path, path-segment, query, joined")
  end
  check_object(from, SOURCE_KEYS[kind], field)
  if kind == "path-segment" then
    local remedy = "it must be a whole number from 1; 1 is the first segment"
    if check_number(from.segment, field .. ".segment", remedy) < 0 then
      reject(field .. ".segment", from.segment, remedy)
    end
  elseif kind == "query" then
    if type(from.name) ~= "string" or not from.name:find("^[%w._~%-]+$") then
      reject(field .. ".name", from.name, "it must be the name of a query parameter: letters, digits and . _ ~ - only")
    end
  elseif kind == "cookie" then
    if type(from.name) ~= "string" or from.name == "" or from.name:find("[=;%s]") then
      reject(field .. ".name", from.name, "it must be the name of a cookie, such as token")
    end
  elseif kind ~= "path" then
    check_header_name(from.name, field .. ".name")
  end
end

local function check_source(from, field)
  if type(from) ~= "table" or from.kind ~= "joined" then
    return check_input(from, field)
  end
  check_object(from, { "kind", "inputs", "separator" }, field)
  check_list(from.inputs, field .. ".inputs")
  if #from.inputs < 2 then
    reject(field .. ".inputs", #from.inputs, "it must be a list of at least two sources")
  end
  for index, input in ipairs(from.inputs) do
    check_input(input, field .. ".inputs[" .. (index - 1) .. "]")
  end
  check_header_value(from.separator, field .. ".separator")
end

local function check_part(part, field)
  local kind = type(part) == "table" and part.kind or nil
  if not PART_KEYS[kind or ""] then
    reject(field .. ".kind", kind, "it must be whole or separated")
  end
  check_object(part, PART_KEYS[kind], field)
  if kind == "separated" then
    check_number(part.number, field .. ".number", "it must be 1 for the first part, -1 for the last, and so on")
    if type(part.separator) ~= "string" or part.separator == "" then
      reject(field .. ".separator", part.separator, "it must be the text between the parts")
    end
  end
end

local function check_table(entries, field)
  check_list(entries, field)
  local seen = {}
  for index, entry in ipairs(entries) do
    local where = field .. "[" .. (index - 1) .. "]"
    check_object(entry, { "when", "use" }, where)
    check_header_value(entry.when, where .. ".when")
    check_header_value(entry.use, where .. ".use")
    if seen[entry.when] then
      reject(where .. ".when", entry.when, "it must be another value than those before")
    end
    seen[entry.when] = true
  end
end

local function check_derivation(operation, field)
  check_source(operation.from, field .. ".from")
  check_part(operation.part, field .. ".part")
  check_table(operation.table, field .. ".table")
  for _, key in ipairs({ "prefix", "suffix", "default" }) do
    check_header_value(operation[key], field .. "." .. key)
  end
end

local function check_operations(operations, field)
  check_list(operations, field)
  for index, operation in ipairs(operations) do
    local where = field .. "[" .. (index - 1) .. "]" -- counted as in the policy, from 0
    local action = type(operation) == "table" and operation.action or nil
    if not KEYS[action or ""] then
      reject(
        where .. ".action",
        action,
        "it must be one of set, append, set-from, append-from, remove, rename"
      )
    end
    check_object(operation, KEYS[action], where)
    check_header_name(operation.name, where .. ".name")
    if operation.value then
      check_header_value(operation.value, where .. ".value")
    end
    if operation.from then
      check_derivation(operation, where)
    end
    if operation.to then
      check_header_name(operation.to, where .. ".to")
    end
  end
end

local function check_settings(settings)
  check_object(settings, { "request", "response", "reroute" }, "settings")
  check_operations(settings.request, "settings.request")
  check_operations(settings.response, "settings.response")
  if settings.reroute ~= false then
    reject("settings.reroute", settings.reroute, "it must be false: Envoy Gateway lets no script choose the route again")
  end
end

-- All values of a header, joined as RFC 9110 combines lines; "" if there is none.
local function joined(headers, name)
  local values = {}
  for index = 0, headers:getNumValues(name) - 1 do
    values[#values + 1] = headers:getAtIndex(name, index)
  end
  return table.concat(values, ", ")
end

-- The nth part of a path: /a/b has a and b.
local function segment(path, n)
  local index = 0
  for part in path:gmatch("/([^/]*)") do
    index = index + 1
    if index == n then
      return part
    end
  end
  return ""
end

-- The first value of a parameter.
local function query_value(query, parameter)
  for pair in query:gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=?(.*)$")
    if name == parameter then
      return value
    end
  end
  return ""
end

-- A header value has no blanks at its ends.
local function trimmed(text)
  return text:match("^[ \t]*(.-)[ \t]*$")
end

-- The first cookie of that name (RFC 6265, section 5.4).
local function cookie_value(headers, cookie)
  for index = 0, headers:getNumValues("cookie") - 1 do
    for pair in headers:getAtIndex("cookie", index):gmatch("[^;]+") do
      local name, value = trimmed(pair):match("^([^=]*)=(.*)$")
      if name == cookie then
        return value
      end
    end
  end
  return ""
end

-- What a source reads of the request, or "". Path and query stay percent-encoded: decoded they could hold line breaks.
local function of_request(headers, from)
  if from.kind == "header" or from.kind == "request-header" then
    return joined(headers, from.name)
  end
  if from.kind == "cookie" then
    return cookie_value(headers, from.name)
  end
  local target = headers:get(":path") or ""
  local path, query = target:match("^([^?]*)%??(.*)$")
  if from.kind == "path" then
    return path or ""
  elseif from.kind == "path-segment" then
    return segment(path or "", tonumber(from.segment))
  end
  return query_value(query or "", from.name)
end

-- Where the values of the request stay until its response comes: Envoy's metadata of this request.
local KEPT = "header-transform"

-- The sources of an operation: several where they are joined, none for most operations.
local function inputs_of(operation)
  local from = operation.from
  return from and (from.inputs or { from }) or {}
end

local function key_of(number, input_number)
  return number .. "." .. input_number
end

local function keep_for_response(handle, operations)
  for number, operation in ipairs(operations) do
    for input_number, from in ipairs(inputs_of(operation)) do
      if from.kind ~= "header" then
        local value = of_request(handle:headers(), from)
        handle:streamInfo():dynamicMetadata():set(KEPT, key_of(number, input_number), value)
      end
    end
  end
end

-- The values that keep_for_response has kept; none where the request did not come by here.
local function kept_of(handle)
  local kept = handle:streamInfo():dynamicMetadata():get(KEPT)
  return type(kept) == "table" and kept or {} -- Envoy Gateway tries scripts out with text in its place
end

-- The nth part of a text, counted from 1, or from -1 at the end; "" if there is none.
local function separated(text, separator, number)
  local parts, start = {}, 1
  while true do
    local from, to = text:find(separator, start, true)
    parts[#parts + 1] = text:sub(start, (from or 0) - 1)
    if not from then
      break
    end
    start = to + 1
  end
  return trimmed(parts[number > 0 and number or #parts + 1 + number] or "")
end

-- The value that an operation makes of those of its sources: joined, a part of it, what the table has for that part,
-- and a text before and behind it.
local function derived(operation, values)
  local value = ""
  local complete = true
  for _, one in ipairs(values) do
    complete = complete and one ~= ""
  end
  if complete then
    value = table.concat(values, operation.from.separator or "")
  end
  if operation.part.kind == "separated" then
    value = separated(value, operation.part.separator, tonumber(operation.part.number))
  end
  if #operation.table > 0 then
    local found = ""
    for _, entry in ipairs(operation.table) do
      if entry.when == value then
        found = entry.use
      end
    end
    value = found
  end
  if value == "" then
    return operation.default
  end
  return operation.prefix .. value .. operation.suffix
end

local function rename(headers, name, to)
  -- All lines have to be read before one is removed.
  local values = {}
  for index = 0, headers:getNumValues(name) - 1 do
    values[#values + 1] = headers:getAtIndex(name, index)
  end
  if #values == 0 then
    return
  end
  headers:remove(to)
  headers:remove(name)
  for _, value in ipairs(values) do
    headers:add(to, value)
  end
end

-- value_of gives the value of a source, which is the given one of the operation of this number.
local function apply(headers, operations, value_of)
  for number, operation in ipairs(operations) do
    if operation.action == "set" then
      headers:replace(operation.name, operation.value)
    elseif operation.action == "append" then
      headers:add(operation.name, operation.value)
    elseif operation.action == "remove" then
      headers:remove(operation.name)
    elseif operation.action == "rename" then
      rename(headers, operation.name, operation.to)
    else
      local values = {}
      for input_number, from in ipairs(inputs_of(operation)) do
        values[input_number] = value_of(headers, from, number, input_number)
      end
      local value = derived(operation, values)
      if operation.action == "set-from" then
        headers:remove(operation.name) -- of a client, too: the value is the source's or none
      end
      if value ~= "" then
        headers:add(operation.name, value)
      end
    end
  end
end

local function on_request(handle, settings)
  apply(handle:headers(), settings.request, of_request)
  keep_for_response(handle, settings.response)
end

local function on_response(handle, settings)
  local kept = kept_of(handle)
  apply(handle:headers(), settings.response, function(headers, from, number, input_number)
    if from.kind == "header" then
      return joined(headers, from.name)
    end
    return kept[key_of(number, input_number)] or ""
  end)
end
