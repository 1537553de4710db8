"""The logic of this extension: src/filter.lua."""
import unittest

from filter import Filter


def transform(operations, headers, direction="request"):
    settings = {"request": [], "response": [], direction: operations}
    outcome = getattr(Filter(settings), direction)(headers)
    assert outcome.reply is None, outcome.logs
    return outcome


class Operations(unittest.TestCase):
    def test_set_leaves_exactly_one_value(self):
        operation = {"action": "set", "name": "x-a", "value": "new"}
        for before in [[], [("x-a", "1")], [("x-a", "1"), ("x-b", "k"), ("x-a", "2")]]:
            self.assertEqual(transform([operation], before).values("x-a"), ["new"])

    def test_append_adds_after_the_existing_values(self):
        operation = {"action": "append", "name": "x-a", "value": "3"}
        self.assertEqual(transform([operation], [("x-a", "1"), ("x-a", "2")]).values("x-a"), ["1", "2", "3"])
        self.assertEqual(transform([operation], []).values("x-a"), ["3"])

    def test_remove_takes_all_lines(self):
        outcome = transform([{"action": "remove", "name": "x-a"}], [("x-a", "1"), ("x-b", "k"), ("x-a", "2")])
        self.assertEqual(outcome.headers, [("x-b", "k")])

    def test_rename_moves_all_values_and_replaces_the_target(self):
        operation = {"action": "rename", "name": "x-old", "to": "x-new"}
        outcome = transform([operation], [("x-new", "gone"), ("x-old", "1"), ("x-old", "2, 3")])
        self.assertEqual(outcome.headers, [("x-new", "1"), ("x-new", "2, 3")])

    def test_rename_of_an_absent_header_changes_nothing(self):
        operation = {"action": "rename", "name": "x-old", "to": "x-new"}
        self.assertEqual(transform([operation], [("x-new", "kept")]).headers, [("x-new", "kept")])

    def test_rename_to_itself_keeps_the_values(self):
        operation = {"action": "rename", "name": "x-a", "to": "x-a"}
        self.assertEqual(transform([operation], [("x-a", "1"), ("x-a", "2")]).values("x-a"), ["1", "2"])

    def test_each_operation_sees_what_the_previous_left(self):
        outcome = transform(
            [
                {"action": "set", "name": "x-a", "value": "1"},
                {"action": "append", "name": "x-a", "value": "2"},
                {"action": "rename", "name": "x-a", "to": "x-b"},
                {"action": "set", "name": "x-a", "value": "again"},
            ],
            [],
        )
        self.assertEqual((outcome.values("x-b"), outcome.values("x-a")), (["1", "2"], ["again"]))

    def test_directions_are_separate(self):
        operation = {"action": "set", "name": "x-a", "value": "1"}
        script = Filter({"request": [operation], "response": []})
        self.assertEqual(script.request().values("x-a"), ["1"])
        self.assertEqual(script.response().values("x-a"), [])
        self.assertEqual(transform([operation], [(":status", "200")], "response").values("x-a"), ["1"])

    def test_values_are_text_only(self):
        for value in ["%REQ(:path)%", "{{ x }}", "]] .. os.exit() .. [[", 'q"\\', "ü", ""]:
            operation = {"action": "set", "name": "x-a", "value": value}
            self.assertEqual(transform([operation], []).values("x-a"), [value])


class Mistakes(unittest.TestCase):
    def test_are_answered_with_500_and_named_in_the_log(self):
        good = {"action": "set", "name": "x-a", "value": "1"}
        for settings, message in [
            ({}, "settings.request is nil"),
            ({"request": []}, "settings.response is nil"),
            ({"request": [], "response": [], "body": []}, 'settings.body is not known'),
            ({"request": "x", "response": []}, 'request is "x"; it must be a list'),
            ({"request": good, "response": []}, "request is an object; it must be a list"),
            ({"request": [good, "x"], "response": []}, "request[1].action is nil"),
            ({"request": [], "response": [{**good, "action": "put"}]}, 'response[0].action is "put"; it must be one of'),
            ({"request": [{"action": "set", "name": "x-a"}], "response": []}, "request[0].value is nil"),
            ({"request": [{**good, "to": "x-b"}], "response": []}, 'request[0].to is not known'),
            ({"request": [{**good, "name": "host"}], "response": []}, 'request[0].name is "host"; an extension cannot'),
            ({"request": [{"action": "rename", "name": "x-a", "to": "X-B"}], "response": []}, 'request[0].to is "X-B"'),
            ({"request": [{**good, "value": "a\nb"}], "response": []}, "request[0].value is"),
        ]:
            with self.subTest(message=message):
                outcome = Filter(settings).request([("x-a", "kept")])
                self.assertEqual(outcome.reply[":status"], "500")
                self.assertIn(message, outcome.logs[0])
                self.assertEqual(outcome.headers, [("x-a", "kept")])


if __name__ == "__main__":
    unittest.main()
