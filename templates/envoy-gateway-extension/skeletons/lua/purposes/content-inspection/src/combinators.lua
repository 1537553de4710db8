-- What the detectors are written with. A matcher tells where a match that begins at a place of a text ends: it
-- returns the place after it, or nil. Matchers never go back, so that they take linear time: what a run has taken it
-- does not give up again. Lua's own string patterns can take quadratic time, and have no alternatives.

-- A set of bytes, written as in [...] of a string pattern.
local function set(pattern)
  local bytes = {}
  for byte = 0, 255 do
    bytes[byte] = string.char(byte):find("^[" .. pattern .. "]$") ~= nil
  end
  return bytes
end

local function is(bytes, text, at)
  local byte = string.byte(text, at)
  return byte ~= nil and at > 0 and bytes[byte]
end

-- Matches one part after the other.
local function sequence(...)
  local parts = { ... }
  return function(text, at)
    for _, part in ipairs(parts) do
      at = part(text, at)
      if not at then
        return nil
      end
    end
    return at
  end
end

-- Matches the first of the texts that is there.
local function one_of(...)
  local by_first = {}
  for _, wanted in ipairs({ ... }) do
    local first = wanted:byte()
    by_first[first] = by_first[first] or {}
    table.insert(by_first[first], wanted)
  end
  return function(text, at)
    for _, wanted in ipairs(by_first[string.byte(text, at)] or {}) do
      if text:sub(at, at + #wanted - 1) == wanted then
        return at + #wanted
      end
    end
  end
end

-- Matches what the first of the matchers does.
local function either(...)
  local matchers = { ... }
  return function(text, at)
    for _, matcher in ipairs(matchers) do
      local stop = matcher(text, at)
      if stop then
        return stop
      end
    end
  end
end

local function optional(matcher)
  return function(text, at)
    return matcher(text, at) or at
  end
end

-- Matches as many bytes of the set as there are, up to most.
local function run(bytes, least, most)
  return function(text, at)
    local stop = at
    while stop < at + most and is(bytes, text, stop) do
      stop = stop + 1
    end
    return stop - at >= least and stop or nil
  end
end

-- Matches as often as it can, up to most.
local function times(matcher, least, most)
  return function(text, at)
    local count = 0
    while count < most do
      local stop = matcher(text, at)
      if not stop then
        break
      end
      at, count = stop, count + 1
    end
    return count >= least and at or nil
  end
end

-- Matches where no byte of the set stands before.
local function not_after(bytes)
  return function(text, at)
    return not is(bytes, text, at - 1) and at or nil
  end
end

-- Matches where no byte of the set follows.
local function not_before(bytes)
  return function(text, at)
    return not is(bytes, text, at) and at or nil
  end
end
