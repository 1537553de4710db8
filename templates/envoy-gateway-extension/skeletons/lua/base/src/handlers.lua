-- The functions that Envoy calls. This is the last part of build/filter.lua; check_settings, on_request and
-- on_response are in src/filter.lua.
--
-- When a script fails, Envoy logs it and lets the message pass: Lua fails open. This one fails closed.

-- Read and checked for every message: when the policy's filterContext changes, Envoy keeps the loaded script,
-- so nothing may be remembered here.
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

local function run(handle, logic)
  local settings = read_settings(handle)
  check_settings(settings)
  logic(handle, settings)
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
