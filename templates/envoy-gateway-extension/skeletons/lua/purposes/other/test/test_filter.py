"""The logic of this extension: src/filter.lua."""
import unittest

from filter import Filter

SETTINGS = {"header": {"name": "x-processed-by", "value": "my-ext"}}


class Logic(unittest.TestCase):
    # TODO(you): test your logic here.

    def test_without_a_marker_nothing_changes(self):
        unmarked = Filter({"header": {"name": "", "value": ""}})
        lines = [(":path", "/"), ("x-a", "1"), ("x-a", "2")]
        self.assertEqual(unmarked.request(lines, body="{}").headers, lines)
        self.assertEqual(unmarked.response([(":status", "200")], body="{}").headers, [(":status", "200")])

    def test_sets_the_header_on_requests_and_leaves_the_body(self):
        outcome = Filter(SETTINGS).request([("x-processed-by", "1"), ("x-processed-by", "2")], body="{}")
        self.assertEqual(outcome.headers, [("x-processed-by", "my-ext")])
        self.assertEqual((outcome.body, outcome.reply), ("{}", None))

    def test_sets_the_header_on_responses_and_leaves_the_body(self):
        outcome = Filter(SETTINGS).response([(":status", "200"), ("x-a", "1")], body="{}")
        self.assertEqual(outcome.headers, [(":status", "200"), ("x-a", "1"), ("x-processed-by", "my-ext")])
        self.assertEqual(outcome.body, "{}")


class Mistakes(unittest.TestCase):
    def test_are_answered_with_500_and_named_in_the_log(self):
        for settings, message in [
            ({}, "settings.header is nil"),
            ({"header": {"name": "x-a"}}, "header.value is nil"),
            ({"header": {"name": "host", "value": "a"}}, 'header.name is "host"'),
            ({"header": {"name": "x-a", "value": "a"}, "more": "1"}, 'settings.more is not known'),
        ]:
            with self.subTest(message=message):
                outcome = Filter(settings).request()
                self.assertEqual(outcome.reply[":status"], "500")
                self.assertIn(message, outcome.logs[0])


if __name__ == "__main__":
    unittest.main()
