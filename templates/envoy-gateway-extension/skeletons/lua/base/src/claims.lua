-- The claims of a JSON Web Token that Envoy has verified before it runs the script.

-- The claims that a provider of the SecurityPolicy has verified, or nil. Envoy Gateway tries scripts out with a
-- stand-in for Envoy whose metadata is a string: the types have to be looked at.
local function verified_claims(handle, provider)
  local metadata = handle:streamInfo():dynamicMetadata():get("envoy.filters.http.jwt_authn")
  local claims = type(metadata) == "table" and metadata[provider]
  return type(claims) == "table" and claims or nil
end

local function claim_text(value)
  if type(value) == "number" and value % 1 == 0 and math.abs(value) <= 2 ^ 53 then
    return string.format("%d", value) -- tostring() rounds beyond 14 digits
  end
  if type(value) == "string" or type(value) == "number" or type(value) == "boolean" then
    return tostring(value)
  end
end

-- A claim as a list of texts: of a list its texts, numbers and booleans; any other is a list of one, or none.
-- path is a list of names that leads into nested objects. claims may be nil.
local function claim_texts(claims, path)
  local value = claims
  for _, name in ipairs(path) do
    if type(value) ~= "table" then
      return {}
    end
    value = value[name]
  end
  if type(value) ~= "table" then
    return { claim_text(value) }
  end
  local texts = {}
  for index = 1, table.maxn(value) do -- where a claim has null, Envoy leaves a hole
    texts[#texts + 1] = claim_text(value[index])
  end
  return texts
end
