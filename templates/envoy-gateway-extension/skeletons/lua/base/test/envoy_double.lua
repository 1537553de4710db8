-- A double of the part of Envoy's Lua API that scripts use most, as Envoy 1.36 to 1.40 behave. What it does not
-- have, a test cannot use; add it here, after a look at what the real Envoy does (`make envoy-test`).

-- Envoy's wrappers can be iterated with pairs(); the LuaJIT of the tests is built without that.
local plain_pairs = pairs
function pairs(object)
  local meta = getmetatable(object)
  if meta and meta.__pairs then
    return meta.__pairs(object)
  end
  return plain_pairs(object)
end

-- Headers: a list of {name, value}. Names in lower case, as Envoy keeps them.
local Headers = {}
Headers.__index = function(self, key)
  if not self.valid() then
    error("object used outside of proper scope", 2)
  end
  return Headers[key]
end

Headers.__pairs = function(self)
  local index = 0
  return function()
    index = index + 1
    local line = self.lines[index]
    if line then
      return line[1], line[2]
    end
  end
end

local function values_of(self, name)
  local values = {}
  for _, line in ipairs(self.lines) do
    if line[1] == name:lower() then
      values[#values + 1] = line[2]
    end
  end
  return values
end

function Headers:get(name)
  local values = values_of(self, name)
  if #values > 0 then
    return table.concat(values, ",")
  end
end

function Headers:getNumValues(name)
  return #values_of(self, name)
end

function Headers:getAtIndex(name, index) -- counts from 0
  local value = values_of(self, name)[index + 1]
  if value then
    return value
  end
end

function Headers:add(name, value)
  assert(type(value) == "string", "a header's value must be a string")
  table.insert(self.lines, { name:lower(), value })
end

function Headers:remove(name)
  for index = #self.lines, 1, -1 do
    if self.lines[index][1] == name:lower() then
      table.remove(self.lines, index)
    end
  end
end

function Headers:replace(name, value)
  self:remove(name)
  self:add(name, value)
end

local Body = {}
Body.__index = Body

function Body:length()
  return #self.bytes
end

function Body:getBytes(index, length)
  assert(index + length <= #self.bytes, "index/length must be >= 0 and (index + length) must be <= buffer size")
  return self.bytes:sub(index + 1, index + length)
end

function Body:setBytes(bytes)
  self.bytes = bytes
  return #bytes
end

local Context = {}
Context.__index = Context
Context.__pairs = function(self)
  return plain_pairs(self.values)
end

function Context:get(key)
  local value = self.values[key]
  if value ~= nil then
    return value
  end
end

local Handle = {}
Handle.__index = Handle

function Handle:headers()
  local generation = self.generation
  return setmetatable({
    lines = self.lines,
    valid = function()
      return generation == self.generation
    end,
  }, Headers)
end

-- Waits for the whole body: the script is suspended, and header objects from before lose their validity.
function Handle:body(always_wrap_body)
  if self.body_object == nil and not always_wrap_body then
    return nil
  end
  self.body_object = self.body_object or setmetatable({ bytes = "" }, Body)
  self.generation = self.generation + 1
  return self.body_object
end

-- The pieces of the body, as an iterator. The double has one piece at most. The headers have left by then.
function Handle:bodyChunks()
  local piece = self.body_object
  self.generation = self.generation + 1
  return function()
    local next_piece = piece
    piece = nil
    return next_piece
  end
end

function Handle:filterContext()
  return setmetatable({ values = self.context }, Context)
end

-- What filters before this one and the script itself keep: of a request, it is there on its response too.
local Metadata = {}
Metadata.__index = Metadata

function Metadata:get(namespace)
  local values = self.namespaces[namespace]
  if values ~= nil then
    return values
  end
end

function Metadata:set(namespace, key, value)
  self.namespaces[namespace] = self.namespaces[namespace] or {}
  self.namespaces[namespace][key] = value
end

local StreamInfo = {}
StreamInfo.__index = StreamInfo

function StreamInfo:dynamicMetadata()
  return setmetatable({ namespaces = self.metadata }, Metadata)
end

function StreamInfo:downstreamRemoteAddress()
  return "192.0.2.1:1234"
end

function Handle:streamInfo()
  return setmetatable({ metadata = self.metadata }, StreamInfo)
end

-- Milliseconds since 1970 as text; each call is a quarter of a second after the one before.
local now = 1790856000123 -- 2026-10-01T12:00:00.123Z
function Handle:timestampString()
  now = now + 250
  return string.format("%d", now - 250)
end

function Handle:respond(headers, body)
  if self.direction == "response" then
    error("respond not currently supported in the response path")
  end
  assert(tonumber(headers[":status"]), ":status must be between 200-599")
  self.reply = { headers = headers, body = body or "" }
  coroutine.yield() -- nothing after it runs
end

for _, level in ipairs({ "logTrace", "logDebug", "logInfo", "logWarn", "logErr", "logCritical" }) do
  Handle[level] = function(self, message)
    table.insert(self.logs, message)
  end
end

-- Runs envoy_on_<direction> as Envoy does, in a coroutine. Returns the handle, and the error if there was one.
function run(direction, lines, body, context, metadata)
  local handle = setmetatable({
    direction = direction,
    lines = lines,
    body_object = body and setmetatable({ bytes = body }, Body) or nil,
    context = context,
    metadata = metadata,
    generation = 0,
    logs = {},
  }, Handle)
  local thread = coroutine.create(direction == "request" and envoy_on_request or envoy_on_response)
  local ok, reason = coroutine.resume(thread, handle)
  return handle, not ok and reason or nil
end

-- Loads a script. A read of an unknown global is a typing error, so is a global that nobody calls.
function load_script(source, chunk_name)
  local allowed = { SETTINGS = true, envoy_on_request = true, envoy_on_response = true }
  setmetatable(_G, {
    __index = function(_, name)
      if not allowed[name] then
        error("unknown global: " .. name, 2)
      end
    end,
    __newindex = function(globals, name, value)
      if not allowed[name] then
        error("new global: " .. name .. "; write `local`", 2)
      end
      rawset(globals, name, value)
    end,
  })
  assert(loadstring(source, chunk_name))()
end
