-- Connections that go on with another protocol, such as a WebSocket.

-- Whether the client asks for another protocol. Envoy shows a request in HTTP/2 like one in HTTP/1.1, and drops both
-- headers from any other request (RFC 9110, section 7.8). What follows has no end: handle:body() would wait for ever.
local function is_upgrade(headers)
  local connection = (headers:get("connection") or ""):lower():gsub("%s", "")
  local options = "," .. connection .. ","
  return headers:get(":method") == "CONNECT"
    or (options:find(",upgrade,", 1, true) ~= nil and headers:get("upgrade") ~= nil)
end

-- Whether the upstream has agreed to it. Of such a response, too, there is no body.
local function is_upgraded(response_headers)
  return response_headers:get(":status") == "101"
end

-- For logic that must not let anything pass unseen. The status is the one that RFC 6455, section 4.2.2, proposes and
-- that Envoy has for routes without upgrades; the body is as in RFC 9457.
local function refuse_upgrade(handle)
  handle:respond(
    { [":status"] = "403", ["content-type"] = "application/problem+json" },
    '{"type":"about:blank","title":"Forbidden","status":403,"detail":"This route does not let connections be upgraded: '
      .. 'what they carry could not be checked."}\n'
  )
end
