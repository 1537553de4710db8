"""The part that every extension shares: reading settings, and failing closed."""
import unittest

from filter import ROOT, Filter

CHECKS = (ROOT / "src/checks.lua").read_text(encoding="utf-8")
HANDLERS = (ROOT / "src/handlers.lua").read_text(encoding="utf-8")

LOGIC = """
local function check_settings(settings)
  check_object(settings, { "value" }, "settings")
  check_header_value(settings.value, "settings.value")
end
local function on_request(handle, settings)
  handle:headers():add("x-seen", settings.value)
  if handle:headers():get("x-fail") then error("boom") end
  if handle:headers():get("x-respond") then handle:respond({ [":status"] = "403" }, "no") end
end
local function on_response(handle, settings)
  handle:headers():add("x-seen", settings.value)
  if handle:headers():get("x-fail") then error("boom") end
end
"""


def filter_with(settings=None, logic=LOGIC, before=""):
    return Filter(settings, before + CHECKS + logic + HANDLERS)


class Settings(unittest.TestCase):
    def test_come_from_the_filter_context(self):
        self.assertEqual(filter_with({"value": "a"}).request().values("x-seen"), ["a"])

    def test_come_from_settings_lua_if_there_is_one(self):
        outcome = filter_with({}, before='local SETTINGS = { value = "b" }\n').request()
        self.assertEqual(outcome.values("x-seen"), ["b"])

    def test_mistakes_are_named_and_nothing_passes(self):
        for settings, message in [
            ({}, 'settings.value is nil; it must be an object with exactly these keys: value'),
            ({"value": "a", "more": "b"}, 'settings.more is not known; it must be an object with exactly'),
            ({"value": "a\r\nx-evil: 1"}, "it must be a string without line breaks"),
            ({"value": True}, "settings.value is true; it must be a string without line breaks"),
        ]:
            with self.subTest(settings=settings):
                request = filter_with(settings).request([("x-a", "1")])
                self.assertEqual(request.reply[":status"], "500")
                self.assertIn(message, request.logs[0])
                self.assertNotIn("x-seen", dict(request.headers))
                response = filter_with(settings).response([(":status", "200"), ("x-a", "1")])
                self.assertEqual(response.headers, [(":status", "500")])
                self.assertIn(message, response.logs[0])

    def test_header_names_that_belong_to_envoy_are_refused(self):
        logic = """
        local function check_settings(settings) check_header_name(settings.name, "settings.name") end
        local function on_request() end
        local function on_response() end
        """
        reserved = ["host", "content-length", "transfer-encoding", "connection", "x-envoy-retry-on", ":path"]
        for name in [*reserved, "X-A", "a b", ""]:
            with self.subTest(name=name):
                self.assertEqual(filter_with({"name": name}, logic).request().reply[":status"], "500")
        self.assertIsNone(filter_with({"name": "x-a_1"}, logic).request().reply)


COUNTED = """
local checks = 0
local function check_settings(settings)
  checks = checks + 1
  check_list(settings.list, "settings.list")
  for _, value in ipairs(settings.list) do check_header_value(value, "settings.list") end
end
local function on_request(handle, settings)
  handle:headers():add("x-checks", tostring(checks))
  handle:headers():add("x-seen", table.concat(settings.list, ","))
end
local on_response = on_request
"""


class Checking(unittest.TestCase):
    """Settings are checked once, until their content changes: Envoy keeps the script when the policy changes."""

    def checks(self, outcome):
        return outcome.values("x-checks")[0]

    def test_is_done_once_for_the_same_content(self):
        loaded = filter_with({"list": ["a", "b"], "flag": True}, COUNTED)
        for _ in range(3):
            loaded.settings = {"flag": True, "list": ["a", "b"]}  # another table each time
            self.assertEqual(self.checks(loaded.request()), "1")
            self.assertEqual(self.checks(loaded.response([(":status", "200")])), "1")

    def test_is_done_once_for_settings_lua(self):
        loaded = filter_with({}, COUNTED, before='local SETTINGS = { list = { "a" } }\n')
        self.assertEqual([self.checks(loaded.request()) for _ in range(3)], ["1"] * 3)

    def test_is_done_again_after_any_change(self):
        settings = [
            {"list": ["a"]},
            {"list": ["b"]},
            {"list": ["b", "c"]},  # longer
            {"list": ["b"]},  # shorter
            {"list": ["b"], "more": {"deep": {"x": "1"}}},
            {"list": ["b"], "more": {"deep": {"x": "2"}}},
            {"list": ["b"], "more": {"deep": {"x": "2", "y": False}}},
            {"list": ["b"], "more": {"deep": {"x": "2", "y": True}}},
            {"list": ["b"], "more": {"deep": "2"}},  # a text in place of an object
            {"list": ["b"]},
        ]
        loaded = filter_with(settings[0], COUNTED)
        for number, loaded.settings in enumerate(settings, 1):
            outcome = loaded.request()
            self.assertEqual((self.checks(outcome), outcome.values("x-seen")), (str(number), [",".join(loaded.settings["list"])]))

    def test_refuses_each_message_as_long_as_there_is_a_mistake(self):
        loaded = filter_with({"list": ["a"]}, COUNTED)
        for list_, status in [(["a"], None), (["a\n"], "500"), (["a\n"], "500"), (["a"], None), ("a", "500"), (["b"], None)]:
            loaded.settings = {"list": list_}
            outcome = loaded.request()
            self.assertEqual(outcome.reply and outcome.reply[":status"], status)
            self.assertEqual(len(outcome.logs), 1 if status else 0)
            response = loaded.response([(":status", "200")])
            self.assertEqual(response.values(":status"), [status or "200"])

    def test_what_the_logic_changes_of_its_settings_does_not_reach_the_next_message(self):
        logic = COUNTED.replace("local on_response", 'local plain = on_request\non_request = function(handle, settings)\n'
                                '  plain(handle, settings)\n  settings.list[1] = "changed"\nend\nlocal on_response')
        loaded = filter_with({"list": ["a"]}, logic)
        self.assertEqual([loaded.request().values("x-seen") for _ in range(3)], [["a"]] * 3)


class Failures(unittest.TestCase):
    def test_on_a_request_are_answered_with_500(self):
        outcome = filter_with({"value": "a"}).request([("x-fail", "1")])
        self.assertEqual(outcome.reply[":status"], "500")
        self.assertNotIn("boom", outcome.reply["body"])
        self.assertIn("extension failed on the request: ", outcome.logs[0])
        self.assertIn("boom", outcome.logs[0])

    def test_on_a_response_replace_it(self):
        headers = [(":status", "200"), ("x-fail", "1"), ("set-cookie", "a"), ("set-cookie", "b"), ("content-length", "6")]
        outcome = filter_with({"value": "a"}).response(headers, body="secret")
        self.assertEqual(outcome.values(":status"), ["500"])
        self.assertEqual(outcome.values("set-cookie"), [])
        self.assertNotIn("secret", outcome.body)
        self.assertEqual(outcome.values("content-length"), [str(len(outcome.body))])
        self.assertIn("boom", outcome.logs[0])

    def test_without_a_body_none_is_added(self):
        outcome = filter_with({"value": "a"}).response([(":status", "204"), ("x-fail", "1")])
        self.assertEqual((outcome.headers, outcome.body), ([(":status", "500")], None))

    def test_an_answer_of_the_logic_is_not_a_failure(self):
        outcome = filter_with({"value": "a"}).request([("x-respond", "1")])
        self.assertEqual((outcome.reply[":status"], outcome.reply["body"], outcome.logs), ("403", "no", []))


if __name__ == "__main__":
    unittest.main()
