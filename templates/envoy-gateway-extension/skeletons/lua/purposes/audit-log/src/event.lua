-- What an event has: texts that can stand in one line of JSON, without secrets. A function that begins with json_
-- returns JSON, or nil for nothing.

local LONGEST = 1024 -- characters of one text
local MOST_VALUES = 8 -- of one header or claim
local REDACTED = "[redacted]"

-- Headers whose values are never part of an event.
local ALWAYS_REDACTED = {
  authorization = true, ["proxy-authorization"] = true, cookie = true, ["set-cookie"] = true, ["x-api-key"] = true,
}

-- Visible ASCII and blanks as they are, every other byte percent-encoded, up to a limit.
local function printable(text)
  return (text:sub(1, LONGEST):gsub("[^\32-\126]", function(byte)
    return string.format("%%%02X", byte:byte())
  end):sub(1, LONGEST))
end

local function json_text(text)
  return text and '"' .. printable(text):gsub('[\\"]', "\\%0") .. '"'
end

local function json_list(texts)
  local list = {}
  for index = 1, math.min(#texts, MOST_VALUES) do
    list[index] = json_text(texts[index])
  end
  return "[" .. table.concat(list, ",") .. "]"
end

local function json_length(text)
  return text and text:find("^%d+$") and #text < 16 and string.format("%d", tonumber(text)) or nil
end

local function json_object(members)
  return #members > 0 and "{" .. table.concat(members, ",") .. "}" or nil
end

-- The chosen headers that are there, each with its lines.
local function json_headers(headers, chosen, redacted)
  local hidden = {}
  for _, name in ipairs(redacted) do
    hidden[name] = true
  end
  local members = {}
  for _, name in ipairs(chosen) do
    local count = headers:getNumValues(name)
    local texts = { REDACTED }
    if not (ALWAYS_REDACTED[name] or hidden[name]) then
      for index = 0, math.min(count, MOST_VALUES) - 1 do
        texts[index + 1] = headers:getAtIndex(name, index) or ""
      end
    end
    if count > 0 then
      members[#members + 1] = '"' .. name .. '":' .. json_list(texts)
    end
  end
  return json_object(members)
end

local function json_claims(claims, chosen)
  local members = {}
  for _, claim in ipairs(chosen) do
    local texts = claim_texts(claims, claim.claim)
    if #texts > 0 then
      members[#members + 1] = json_text(claim.name) .. ":" .. json_list(texts)
    end
  end
  return json_object(members)
end

-- The path, and the query if there is one.
local function split_target(target)
  local path, query = target:match("^([^?]*)%??(.*)$")
  return path, #target > #path and query or nil
end

-- A query without values, except those that are kept. What has no value may be one itself, as in ?token.
local function redact_query(query, kept)
  local keeps = {}
  for _, name in ipairs(kept) do
    keeps[name] = true
  end
  return (query:gsub("[^&;]+", function(part)
    local name, value = part:match("^([^=]*)(.*)$")
    if keeps[name] then
      return part
    end
    return value:find("^=*$") and REDACTED or name .. "=" .. REDACTED
  end))
end

-- Whether a value belongs to so many of ten thousand. The same value has the same fate everywhere: the sum is made so
-- that every language of these extensions comes to the same. Three rounds more spread short values.
local function in_sample(value, per_ten_thousand)
  local sum = 0
  for index = 1, #value + 3 do
    sum = (sum * 65599 + (value:byte(index) or 0)) % 2147483647
  end
  return sum % 10000 < per_ten_thousand
end

local function rfc3339(milliseconds)
  local seconds = math.floor(milliseconds / 1000)
  return os.date("!%Y-%m-%dT%H:%M:%S", seconds) .. string.format(".%03dZ", milliseconds % 1000)
end

-- 192.0.2.1:80 and [2001:db8::1]:80 without the port.
local function without_port(address)
  return address:match("^%[(.*)%]:%d+$") or address:match("^([^:]*):%d+$") or address
end
