-- A reader may not read a text as it came: a form is percent-decoded, a JSON string has escapes, a text can be UTF-16.
-- Which it is depends on the reader and not on what the sender claims, so a text is looked at in every reading that its
-- bytes allow. docs/purpose.md lists them.

local OTHER = "\255" -- a character that is not ASCII

local function hex(text, at, digits)
  local found = text:match("^%x+", at)
  return found and #found >= digits and tonumber(found:sub(1, digits), 16) or nil
end

local function ascii(code)
  return code < 128 and string.char(code) or OTHER
end

-- A step reads a character that is written with several bytes: it returns the character and the place after it, or nil.

-- %34, and %u0034, an old writing that some servers read.
local function percent(text, at)
  if text:find("^%%[uU]", at) then
    local code = hex(text, at + 2, 4)
    return code and ascii(code), at + 6
  elseif text:byte(at) == 37 then
    local code = hex(text, at + 1, 2)
    return code and string.char(code), at + 3
  end
end

-- Percent-encoding taken off once, and + read as a blank: a form or a query (URL Standard).
local function form_step(text, at)
  if text:byte(at) == 43 then
    return " ", at + 1
  end
  return percent(text, at)
end

-- %34, %2534, %252534 and so on. Bounded: a text of nothing but %25 takes no quadratic time.
local function nested_percent(text, at)
  local char, stop = percent(text, at)
  while char == "%" and stop - at < 128 do
    local code = hex(text, stop, 2)
    if not code then
      break
    end
    char, stop = string.char(code), stop + 2
  end
  return char, stop
end

local OVERLONG = { [0xc0] = 1, [0xc1] = 1, [0xe0] = 2, [0xf0] = 3, [0xf8] = 4, [0xfc] = 5 }

-- Percent-encoding that was put on several times, and overlong UTF-8, which RFC 3629 forbids and some servers read.
local function nested_step(text, at)
  local char, stop = nested_percent(text, at)
  local first = (char or text:sub(at, at)):byte()
  local value, next_at = first == 0xc1 and 1 or 0, char and stop or at + 1
  for _ = 1, OVERLONG[first] or 0 do
    local more, after = nested_percent(text, next_at)
    more, after = (more or text:sub(next_at, next_at)):byte(), more and after or next_at + 1
    if not more or more < 0x80 or more > 0xbf then
      return char, stop
    end
    value, next_at = value * 64 + more - 0x80, after
  end
  if OVERLONG[first] and value < 128 then
    return string.char(value), next_at
  end
  return char, stop
end

local ESCAPES = {
  n = "\n",
  r = "\r",
  t = "\t",
  b = "\b",
  f = "\f",
  ['"'] = '"',
  ["'"] = "'",
  ["\\"] = "\\",
  ["/"] = "/",
}

-- The escapes of JSON strings (RFC 8259), and \x34 of JavaScript.
local function json_step(text, at)
  local kind = text:sub(at + 1, at + 1)
  if kind == "u" or kind == "x" then
    local digits = kind == "u" and 4 or 2
    local code = hex(text, at + 2, digits)
    return code and ascii(code), at + 2 + digits
  end
  return ESCAPES[kind], at + 2
end

-- ASCII in UTF-16LE and UTF-32LE, with or without a byte order mark, and wherever in the text it begins.
local function little_endian_step(text, at)
  return text:sub(at, at), at + (text:find("^%z%z%z", at + 1) and 4 or 2)
end

-- The same for UTF-16BE and UTF-32BE.
local function big_endian_step(text, at)
  local _, last = text:find("^%z+", at)
  local zeros = last - at + 1
  if last < #text and (zeros == 1 or zeros == 3) then
    return text:sub(last + 1, last + 1), last + 2
  end
end

local JSON_STRING = { trigger = "\\", step = json_step, inside = {} }
local URL_NESTED = { trigger = "[%%\192\193\224\240\248\252]", step = nested_step, inside = {} }
local URL_ENCODED = {
  trigger = "[%%+\192\193\224\240\248\252]",
  step = form_step,
  inside = { JSON_STRING, URL_NESTED },
}
local WIDE = { URL_ENCODED, JSON_STRING }
local LITTLE = { trigger = "[^%z]%z", step = little_endian_step, blank = true, inside = WIDE }
local BIG = { trigger = "%z", step = big_endian_step, blank = true, inside = WIDE }
local AS_IT_CAME = { inside = { URL_ENCODED, JSON_STRING, LITTLE, BIG } }

-- A text, read in one way. marks are the characters that are written with several bytes: where they are in the text,
-- and in the one that this is a reading of, their first place and the place after them.
local function read(kind, outer)
  local source, parts, marks, from, length = outer.text, {}, {}, 1, 0
  local function copy(stop) -- what stands as it is
    local part = kind.blank and OTHER:rep(stop - from) or source:sub(from, stop - 1)
    parts[#parts + 1], length, from = part, length + #part, stop
  end
  local at = source:find(kind.trigger)
  while at do
    local char, stop = kind.step(source, at)
    if char then
      copy(at)
      parts[#parts + 1], length, from = char, length + 1, stop
      marks[#marks + 1] = { length, at, stop }
    end
    at = source:find(kind.trigger, char and stop or at + 1)
  end
  copy(#source + 1)
  return { text = table.concat(parts), marks = marks, outer = outer }
end

-- Where a character of a reading stands in the text as it came: its first place and the place after it.
local function source_of(reading, at)
  if not reading.outer then
    return at, at + 1
  end
  local low, high = 0, #reading.marks
  while low < high do -- the last mark that is not behind
    local middle = math.ceil((low + high) / 2)
    if reading.marks[middle][1] <= at then
      low = middle
    else
      high = middle - 1
    end
  end
  local mark = reading.marks[low] or { 0, 0, 1 }
  local first, stop = mark[2], mark[3]
  if mark[1] < at then
    first = stop + at - mark[1] - 1
    stop = first + 1
  end
  local start = source_of(reading.outer, first)
  local _, past = source_of(reading.outer, stop - 1)
  return start, past
end

-- All readings that differ.
local function add_readings(all, kind, reading)
  for _, inner in ipairs(kind.inside) do
    if reading.text:find(inner.trigger) then
      local new = read(inner, reading)
      if new.marks[1] then
        all[#all + 1] = new
      end
      add_readings(all, inner, new)
    end
  end
  return all
end

local function readings_of(text)
  local raw = { text = text }
  return add_readings({ raw }, AS_IT_CAME, raw)
end
