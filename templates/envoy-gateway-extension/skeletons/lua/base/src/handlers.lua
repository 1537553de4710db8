-- The functions that Envoy calls. This is the last part of build/filter.lua; check_settings, on_request and
-- on_response are in src/filter.lua.
--
-- When a script fails, Envoy logs it and lets the message pass: Lua fails open. This one fails closed.

-- Read for every message: when the policy's filterContext changes, Envoy keeps the loaded script.
local function read_settings(handle)
  if SETTINGS then -- src/settings.lua, for releases of Envoy Gateway that have no filterContext
    return SETTINGS
  end
  local settings = {}
  for key, value in pairs(handle:filterContext()) do
    settings[key] = value
  end
  return settings
end

local function has_same_content(one, other)
  if one == other then
    return true
  end
  if type(one) ~= "table" or type(other) ~= "table" then
    return false
  end
  for key, value in pairs(one) do
    if not has_same_content(value, other[key]) then
      return false
    end
  end
  for key in pairs(other) do
    if one[key] == nil then
      return false
    end
  end
  return true
end

-- The settings that passed the check last. Checking takes far longer than comparing, and settings seldom change.
local checked

-- Settings that passed their check. Those with the same content are one table until they change.
local function checked_settings(handle)
  local settings = read_settings(handle)
  if checked == nil or not has_same_content(settings, checked) then
    check_settings(settings)
    checked = settings
  end
  return checked
end

local function run(handle, logic)
  logic(handle, checked_settings(handle))
end

-- The log has the reason, the client does not need to know it.
local FAILURE = "The Lua extension of this gateway failed.\n"

function envoy_on_request(handle)
  local ok, reason = pcall(run, handle, on_request)
  if not ok then
    handle:logErr("extension failed on the request: " .. tostring(reason))
    handle:respond({ [":status"] = "500", ["content-type"] = "text/plain" }, FAILURE)
  end
end

-- respond() does not exist on the way back: the upstream's response is turned into an error instead, so that
-- nothing of it reaches the client unprocessed.
local function replace_response(handle)
  local headers = handle:headers()
  local names = {}
  for name in pairs(headers) do
    names[#names + 1] = name
  end
  for _, name in ipairs(names) do
    if name ~= ":status" then
      headers:remove(name)
    end
  end
  headers:replace(":status", "500")
  local body = handle:body() -- nil if there is none
  if body then
    body:setBytes(FAILURE)
    headers = handle:headers() -- after body() the object from before is no longer valid
    headers:replace("content-type", "text/plain")
    headers:replace("content-length", tostring(#FAILURE))
  end
end

function envoy_on_response(handle)
  local ok, reason = pcall(run, handle, on_response)
  if not ok then
    handle:logErr("extension failed on the response: " .. tostring(reason))
    replace_response(handle)
  end
end
