-- The logic of this extension. `make build` joins the parts in src/ to build/filter.lua.
-- handle is Envoy's stream handle: headers(), body(), respond() and so on.

local function check_settings(settings)
  -- TODO(you): check the settings that your logic needs, and describe them in docs/purpose.md.
  check_object(settings, { "header" }, "settings")
  check_object(settings.header, { "name", "value" }, "settings.header")
  check_header_name(settings.header.name, "settings.header.name")
  check_header_value(settings.header.value, "settings.header.value")
end

local function on_request(handle, settings)
  -- TODO(you): put the logic for requests here. This header only shows that the extension runs.
  handle:headers():replace(settings.header.name, settings.header.value)
end

local function on_response(handle, settings)
  -- TODO(you): put the logic for responses here, or leave the function empty.
  handle:headers():replace(settings.header.name, settings.header.value)
end
