"""Connections that go on with another protocol: src/upgrade.lua."""
import json
import unittest

from filter import ROOT, Filter

PARTS = [(ROOT / f"src/{name}.lua").read_text(encoding="utf-8") for name in ("checks", "upgrade", "handlers")]

# Refuses upgrades, and waits for the body of any other message.
LOGIC = """
local function check_settings() end
local function on_request(handle)
  if is_upgrade(handle:headers()) then
    return refuse_upgrade(handle)
  end
  handle:headers():add("x-length", tostring(handle:body():length()))
end
local function on_response(handle)
  handle:headers():add("x-upgraded", tostring(is_upgraded(handle:headers())))
end
"""


def exchange():
    return Filter({}, PARTS[0] + PARTS[1] + LOGIC + PARTS[2])


class UpgradeTest(unittest.TestCase):
    def test_both_headers_ask_for_an_upgrade(self):
        for headers in [
            [("connection", "Upgrade"), ("upgrade", "websocket")],
            [("connection", "keep-alive, upgrade"), ("upgrade", "websocket")],
            [("connection", "a"), ("connection", "upgrade"), ("upgrade", "websocket")],
            [(":method", "CONNECT")],
        ]:
            with self.subTest(headers=headers):
                reply = exchange().request(headers).reply
                self.assertEqual((reply[":status"], reply["content-type"]), ("403", "application/problem+json"))
                self.assertEqual(json.loads(reply["body"])["status"], 403)

    def test_any_other_request_has_a_body(self):
        for headers in [
            [("upgrade", "websocket")],
            [("connection", "upgrade")],
            [("connection", "upgrades, x-upgrade"), ("upgrade", "websocket")],
        ]:
            with self.subTest(headers=headers):
                outcome = exchange().request(headers, "body")
                self.assertEqual((outcome.reply, outcome.values("x-length")), (None, ["4"]))

    def test_the_upstream_agrees_with_101(self):
        for status, upgraded in (("101", "true"), ("200", "false")):
            self.assertEqual(exchange().response([(":status", status)]).values("x-upgraded"), [upgraded])


if __name__ == "__main__":
    unittest.main()
