-- What paths are compared by.

-- The segment without percent-encoding; nil if an escape is none.
local function unescape(segment)
  if segment:gsub("%%%x%x", ""):find("%", 1, true) then
    return nil
  end
  return (segment:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

-- The characters of UTF-8 beyond ASCII, by their bytes (RFC 3629, section 4).
local utf8_characters = {
  "[\194-\223][\128-\191]",
  "\224[\160-\191][\128-\191]",
  "[\225-\236\238\239][\128-\191][\128-\191]",
  "\237[\128-\159][\128-\191]",
  "\240[\144-\191][\128-\191][\128-\191]",
  "[\241-\243][\128-\191][\128-\191][\128-\191]",
  "\244[\128-\143][\128-\191][\128-\191]",
}

local function is_utf8(text)
  local at = text:find("[\128-\255]")
  while at do
    local last
    for _, character in ipairs(utf8_characters) do
      last = last or select(2, text:find("^" .. character, at))
    end
    if not last then
      return false
    end
    at = text:find("[\128-\255]", last + 1)
  end
  return true
end

-- Whether servers disagree about what a decoded segment names: parameters, slashes that were encoded, control
-- characters, escapes that were encoded twice, bytes that are not UTF-8 (some servers read the overlong C0 AF as a
-- slash), and dot segments, which Envoy normally resolves itself.
local function is_ambiguous(segment)
  return segment == "."
    or segment == ".."
    or segment:find("[%c;/\\]")
    or segment:find("%%%x%x")
    or not is_utf8(segment)
end

-- The decoded segments of a path; nil for one that the upstream may read otherwise than the rules.
local function path_segments(target)
  local path = target:match("^[^?]*")
  if path:sub(1, 1) ~= "/" or path:find("#", 1, true) then
    return nil
  end
  local segments = {}
  for escaped in (path:sub(2) .. "/"):gmatch("([^/]*)/") do
    local segment = unescape(escaped)
    if not segment or is_ambiguous(segment) or segments[#segments] == "" then -- only the last may be empty
      return nil
    end
    segments[#segments + 1] = segment
  end
  return segments
end

-- What is wrong with a pattern of the settings, or nil.
local function path_remedy(match, path)
  local segments = type(path) == "string" and not path:find("[?%%]") and path_segments(path)
  if not segments then
    return "begin with / and write the characters themselves, without percent-encoding, ?, #, ;, \\, empty and dot segments"
  end
  if match ~= "segments" then
    if path:find("*", 1, true) then
      return "use match: segments for patterns with *"
    end
    if match == "prefix" and path:find("./$") then
      return "remove the / at the end: a prefix matches itself and everything below"
    end
    return nil
  end
  for index, segment in ipairs(segments) do
    if segment:find("*", 1, true) and segment ~= "*" and not (segment == "**" and index == #segments) then
      return "let * stand for one whole segment, and ** only at the end for any number, for example /users/*/orders/**"
    end
  end
end

-- Only A to Z, whatever the locale.
local function lower_ascii(text)
  return (text:gsub("[A-Z]", string.lower))
end

-- A pattern of the settings as paths are compared with it: its segments, and whether more of them may follow.
local function prepared_pattern(pattern)
  local wanted = path_segments(pattern.path)
  local open = pattern.match == "prefix"
  if pattern.path == "/" and open or pattern.match == "segments" and wanted[#wanted] == "**" then
    wanted[#wanted] = nil
    open = true
  end
  return { wanted = wanted, open = open, stars = pattern.match == "segments" }
end

local function path_matches(prepared, segments, ignore_case)
  local wanted = prepared.wanted
  if #segments < #wanted or (#segments > #wanted and not prepared.open) then
    return false
  end
  for index, text in ipairs(wanted) do
    local segment = segments[index]
    if prepared.stars and text == "*" then
      if segment == "" then
        return false
      end
    elseif ignore_case then
      if lower_ascii(text) ~= lower_ascii(segment) then
        return false
      end
    elseif text ~= segment then
      return false
    end
  end
  return true
end

-- The path without the query for the log: of bounded length, with everything but visible ASCII percent-encoded.
local function printable_path(target)
  local path = target:match("^[^?]*"):sub(1, 1024)
  return (path:gsub("[^\33-\126]", function(character)
    return string.format("%%%02X", character:byte())
  end):sub(1, 1024))
end
