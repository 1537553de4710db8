-- Sets, appends, removes and renames headers as the settings say, with fixed values or with values of the request:
-- docs/purpose.md.
-- This is the place for changes of the logic. `make build` joins the parts in src/ to build/filter.lua.

-- Keys of an operation, by its action.
local KEYS = {
  set = { "action", "name", "value" },
  append = { "action", "name", "value" },
  ["set-from"] = { "action", "name", "from", "default" },
  ["append-from"] = { "action", "name", "from", "default" },
  remove = { "action", "name" },
  rename = { "action", "name", "to" },
}

-- Keys of a source, by its kind.
local SOURCE_KEYS = {
  header = { "kind", "name" },
  ["request-header"] = { "kind", "name" },
  path = { "kind" },
  ["path-segment"] = { "kind", "segment" },
  query = { "kind", "name" },
}

local function check_source(from, field)
  local kind = type(from) == "table" and from.kind or nil
  if not SOURCE_KEYS[kind or ""] then
    reject(field .. ".kind", kind, "it must be one of header, request-header, path, path-segment, query")
  end
  check_object(from, SOURCE_KEYS[kind], field)
  if kind == "path-segment" then
    local number = tonumber(from.segment) or 0
    if number < 1 or number % 1 ~= 0 then
      reject(field .. ".segment", from.segment, "it must be a whole number from 1; 1 is the first segment")
    end
  elseif kind == "query" then
    if type(from.name) ~= "string" or not from.name:find("^[%w._~%-]+$") then
      reject(field .. ".name", from.name, "it must be the name of a query parameter: letters, digits and . _ ~ - only")
    end
  elseif kind ~= "path" then
    check_header_name(from.name, field .. ".name")
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
      check_source(operation.from, where .. ".from")
      check_header_value(operation.default, where .. ".default")
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

-- What a source reads of the request, or "". Path and query stay percent-encoded: decoded they could hold line breaks.
local function of_request(headers, from)
  if from.kind == "header" or from.kind == "request-header" then
    return joined(headers, from.name)
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

local function key_of(from)
  return from.kind .. ":" .. (from.name or from.segment or "")
end

local function keep_for_response(handle, operations)
  for _, operation in ipairs(operations) do
    local from = operation.from
    if from and from.kind ~= "header" then
      local value = of_request(handle:headers(), from)
      handle:streamInfo():dynamicMetadata():set(KEPT, key_of(from), value)
    end
  end
end

-- The values that keep_for_response has kept; none where the request did not come by here.
local function kept_of(handle)
  local kept = handle:streamInfo():dynamicMetadata():get(KEPT)
  return type(kept) == "table" and kept or {} -- Envoy Gateway tries scripts out with text in its place
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

local function apply(headers, operations, value_of)
  for _, operation in ipairs(operations) do
    if operation.action == "set" then
      headers:replace(operation.name, operation.value)
    elseif operation.action == "append" then
      headers:add(operation.name, operation.value)
    elseif operation.action == "remove" then
      headers:remove(operation.name)
    elseif operation.action == "rename" then
      rename(headers, operation.name, operation.to)
    else
      local value = value_of(headers, operation.from)
      if value == "" then
        value = operation.default
      end
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
  apply(handle:headers(), settings.response, function(headers, from)
    if from.kind == "header" then
      return joined(headers, from.name)
    end
    return kept[key_of(from)] or ""
  end)
end
