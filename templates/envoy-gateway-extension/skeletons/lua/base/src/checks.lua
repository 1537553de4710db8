-- Checks of the settings. They come from the policy; a mistake in them has to be found and named, or it becomes
-- a change that is silently missing.

-- Raises an error that says where the mistake is, what stands there, and what to write instead.
local function reject(field, value, remedy)
  local shown = type(value) == "string" and string.format("%q", value) or tostring(value)
  error(field .. " is " .. shown .. "; " .. remedy, 0)
end

-- The value has to be an object with exactly these keys.
local function check_object(value, keys, field)
  local wanted = "it must be an object with exactly these keys: " .. table.concat(keys, ", ")
  if type(value) ~= "table" then
    reject(field, value, wanted)
  end
  local known = {}
  for _, key in ipairs(keys) do
    known[key] = true
    if value[key] == nil then
      reject(field .. "." .. key, nil, wanted)
    end
  end
  for key in pairs(value) do
    if not known[key] then
      error(field .. "." .. tostring(key) .. " is not known; " .. wanted, 0)
    end
  end
end

local function check_list(value, field)
  if type(value) ~= "table" then
    reject(field, value, "it must be a list")
  end
  for key in pairs(value) do
    if type(key) ~= "number" then
      error(field .. " is an object; it must be a list", 0)
    end
  end
end

-- Headers that decide about routing and framing belong to Envoy.
local RESERVED = { host = true, ["content-length"] = true, ["transfer-encoding"] = true, connection = true }

local function check_header_name(name, field)
  if type(name) ~= "string" or not name:find("^[%l%d!#$%%&'*+%-.^_`|~]+$") then
    reject(field, name, "it must be the name of a header, in lower case")
  end
  if RESERVED[name] or name:find("^x%-envoy%-") then
    reject(field, name, "an extension cannot change this header; use another name")
  end
end

local function check_header_value(value, field)
  if type(value) ~= "string" or value:find("[%z\r\n]") then
    reject(field, value, "it must be a string without line breaks")
  end
end
