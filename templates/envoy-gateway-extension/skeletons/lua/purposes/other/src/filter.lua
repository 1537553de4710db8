-- The logic of this extension. `make build` joins the parts in src/ to build/filter.lua.
-- handle is Envoy's stream handle: headers(), body(), respond() and so on.

local function check_settings(settings)
  -- TODO(you): check the settings that your logic needs, and describe them in docs/purpose.md.
  check_object(settings, { "header" }, "settings")
  check_object(settings.header, { "name", "value" }, "settings.header")
  if settings.header.name ~= "" then
    check_header_name(settings.header.name, "settings.header.name")
  end
  check_header_value(settings.header.value, "settings.header.value")
end

-- The header that shows that the extension runs; without a name there is none.
local function mark(handle, header)
  if header.name ~= "" then
    handle:headers():replace(header.name, header.value)
  end
end

local function on_request(handle, settings)
  -- TODO(you): put the logic for requests here.
  mark(handle, settings.header)
end

local function on_response(handle, settings)
  -- TODO(you): put the logic for responses here, or leave the function empty.
  mark(handle, settings.header)
end
