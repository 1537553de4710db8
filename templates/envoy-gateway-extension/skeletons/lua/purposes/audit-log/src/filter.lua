-- Writes one event about each request, or about a sample of them, to Envoy's log: docs/purpose.md.
-- This is the place for changes of the logic. `make build` joins the parts in src/ to build/filter.lua, event.lua and
-- claims.lua among them.

local FIELDS = {
  "method", "path", "query", "host", "status", "durationMs", "requestBytes", "responseBytes", "requestId",
  "clientAddress", "userAgent",
}

-- The status from which on there is always an event.
local LEAST_ERROR = { none = math.huge, ["server-errors"] = 500, errors = 400 }

local function contains(list, value)
  for _, element in ipairs(list) do
    if element == value then
      return true
    end
  end
  return false
end

local function check_text(value, field)
  if type(value) ~= "string" then
    reject(field, value, "it must be a text")
  end
end

local function check_filled(value, field)
  if type(value) ~= "string" or value == "" then
    reject(field, value, "it must be a text that is not empty")
  end
end

-- Headers are only read, so they can be any.
local function check_read_header(name, field)
  if type(name) ~= "string" or not name:find("^[%l%d!#$%%&'*+%-.^_`|~]+$") then
    reject(field, name, "it must be the name of a header, in lower case")
  end
end

-- Every element passes the check; fields are counted as in the policy, from 0.
local function check_each(list, field, check)
  check_list(list, field)
  for index, element in ipairs(list) do
    check(element, field .. "[" .. (index - 1) .. "]")
  end
end

local function check_claim(claim, field)
  check_object(claim, { "name", "claim" }, field)
  check_filled(claim.name, field .. ".name")
  check_each(claim.claim, field .. ".claim", check_filled)
  check_filled(claim.claim[1], field .. ".claim[0]")
end

local function check_sampling(sampling, field)
  check_object(sampling, { "perTenThousand", "header", "always" }, field)
  local count = tonumber(sampling.perTenThousand) -- Envoy hands numbers over as texts
  if not count or count < 0 or count > 10000 or count % 1 ~= 0 then
    reject(field .. ".perTenThousand", sampling.perTenThousand, "it must be a whole number from 0 to 10000")
  end
  if sampling.header ~= "" then
    check_read_header(sampling.header, field .. ".header")
  end
  if not LEAST_ERROR[sampling.always] then
    reject(field .. ".always", sampling.always, "it must be one of none, server-errors, errors")
  end
end

local function check_settings(settings)
  check_object(settings, {
    "fields", "requestHeaders", "responseHeaders", "redactedHeaders", "keptQueryParameters", "claims", "provider",
    "sampling", "output",
  }, "settings")
  check_each(settings.fields, "settings.fields", function(field, where)
    if not contains(FIELDS, field) then
      reject(where, field, "it must be one of " .. table.concat(FIELDS, ", "))
    end
  end)
  for _, key in ipairs({ "requestHeaders", "responseHeaders", "redactedHeaders" }) do
    check_each(settings[key], "settings." .. key, check_read_header)
  end
  check_each(settings.keptQueryParameters, "settings.keptQueryParameters", check_filled)
  check_each(settings.claims, "settings.claims", check_claim)
  check_text(settings.provider, "settings.provider")
  if #settings.claims > 0 and settings.provider == "" then
    reject("settings.provider", "", "it must be the name in SecurityPolicy spec.jwt.providers[]")
  end
  check_sampling(settings.sampling, "settings.sampling")
  if settings.output ~= "stdout" then
    reject("settings.output", settings.output, "a script can only write to Envoy's log; use stdout, or an external processor")
  end
end

-- What the request leaves behind for its response. Other filters and the access log can read it as dynamic metadata.
local NAMESPACE = "audit-log"

local function milliseconds(handle)
  return tonumber(handle:timestampString()) or 0
end

local function on_request(handle, settings)
  local headers = handle:headers()
  local sampling = settings.sampling
  local sampled
  if sampling.header == "" then
    sampled = math.random(0, 9999) < tonumber(sampling.perTenThousand)
  else
    sampled = in_sample(headers:getAtIndex(sampling.header, 0) or "", tonumber(sampling.perTenThousand))
  end
  local claims = settings.provider ~= "" and verified_claims(handle, settings.provider) or nil
  local path, query = split_target(headers:get(":path") or "")
  handle:streamInfo():dynamicMetadata():set(NAMESPACE, "request", {
    sampled = sampled and "yes" or "no",
    began = string.format("%d", milliseconds(handle)),
    verb = headers:get(":method") or "",
    method = json_text(headers:get(":method")),
    path = json_text(path),
    query = json_text(query and redact_query(query, settings.keptQueryParameters)),
    host = json_text(headers:get(":authority")),
    requestBytes = json_length(headers:get("content-length")),
    requestId = json_text(headers:get("x-request-id")),
    userAgent = json_text(headers:get("user-agent")),
    requestHeaders = json_headers(headers, settings.requestHeaders, settings.redactedHeaders),
    claims = json_claims(claims, settings.claims),
  })
end

-- The event in its order. What is nil is left out.
local function event(known, began, settings)
  local members = {
    '"event":"request"',
    '"time":"' .. rfc3339(began) .. '"',
    '"outcome":"answered"',
  }
  for _, name in ipairs(FIELDS) do
    if known[name] and contains(settings.fields, name) then
      members[#members + 1] = '"' .. name .. '":' .. known[name]
    end
  end
  for _, name in ipairs({ "requestHeaders", "responseHeaders", "claims" }) do
    if known[name] then
      members[#members + 1] = '"' .. name .. '":' .. known[name]
    end
  end
  return "{" .. table.concat(members, ",") .. "}"
end

local function on_response(handle, settings)
  local headers = handle:headers()
  local metadata = handle:streamInfo():dynamicMetadata():get(NAMESPACE)
  local now = milliseconds(handle)
  -- There is none if a filter before this one has answered.
  local request = type(metadata) == "table" and metadata.request or { began = now, unseen = true }
  local status = tonumber(headers:get(":status") or "") or 0
  local sampled = request.sampled == "yes"
  if request.unseen then
    sampled = in_sample("", tonumber(settings.sampling.perTenThousand))
  end
  if not sampled and status < LEAST_ERROR[settings.sampling.always] then
    return
  end
  local known = {}
  for name, text in pairs(request) do
    known[name] = text
  end
  known.status = string.format("%d", status)
  known.responseHeaders = json_headers(headers, settings.responseHeaders, settings.redactedHeaders)
  known.clientAddress = json_text(without_port(handle:streamInfo():downstreamRemoteAddress()))
  if not request.unseen then
    known.durationMs = string.format("%d", math.max(0, now - tonumber(request.began)))
  end
  if request.verb ~= "HEAD" and status ~= 304 then -- else the length is that of a body that is not sent
    known.responseBytes = json_length(headers:get("content-length"))
  end
  handle:logInfo(event(known, tonumber(request.began), settings))
end
