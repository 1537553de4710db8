-- Sets, appends, removes and renames headers as the settings say: docs/purpose.md.
-- This is the place for changes of the logic. `make build` joins the parts in src/ to build/filter.lua.

-- Keys of an operation, by its action.
local KEYS = {
  set = { "action", "name", "value" },
  append = { "action", "name", "value" },
  remove = { "action", "name" },
  rename = { "action", "name", "to" },
}

local function check_operations(operations, field)
  check_list(operations, field)
  for index, operation in ipairs(operations) do
    local where = field .. "[" .. (index - 1) .. "]" -- counted as in the policy, from 0
    local action = type(operation) == "table" and operation.action or nil
    if not KEYS[action or ""] then
      reject(where .. ".action", action, "it must be one of set, append, remove, rename")
    end
    check_object(operation, KEYS[action], where)
    check_header_name(operation.name, where .. ".name")
    if operation.value then
      check_header_value(operation.value, where .. ".value")
    end
    if operation.to then
      check_header_name(operation.to, where .. ".to")
    end
  end
end

local function check_settings(settings)
  check_object(settings, { "request", "response" }, "settings")
  check_operations(settings.request, "settings.request")
  check_operations(settings.response, "settings.response")
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

local function apply(headers, operations)
  for _, operation in ipairs(operations) do
    if operation.action == "set" then
      headers:replace(operation.name, operation.value)
    elseif operation.action == "append" then
      headers:add(operation.name, operation.value)
    elseif operation.action == "remove" then
      headers:remove(operation.name)
    else
      rename(headers, operation.name, operation.to)
    end
  end
end

local function on_request(handle, settings)
  apply(handle:headers(), settings.request)
end

local function on_response(handle, settings)
  apply(handle:headers(), settings.response)
end
