"""The logic of this extension: src/filter.lua."""
import unittest

from filter import Filter


def transform(operations, headers, direction="request"):
    settings = {"request": [], "response": [], "reroute": False, direction: operations}
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
        script = Filter({"request": [operation], "response": [], "reroute": False})
        self.assertEqual(script.request().values("x-a"), ["1"])
        self.assertEqual(script.response().values("x-a"), [])
        self.assertEqual(transform([operation], [(":status", "200")], "response").values("x-a"), ["1"])

    def test_values_are_text_only(self):
        for value in ["%REQ(:path)%", "{{ x }}", "]] .. os.exit() .. [[", 'q"\\', "ü", ""]:
            operation = {"action": "set", "name": "x-a", "value": value}
            self.assertEqual(transform([operation], []).values("x-a"), [value])


TARGET = "/orders/4711%2F/?tenant=a%20b&empty=&flag&tenant=second&eq=x=y"
COOKIES = [("cookie", 'flag; Token=x; token=a="b" c ;token=z; empty='), ("cookie", "id=7")]
CLIENT = [(":path", TARGET), *COOKIES, ("x-one", "1"), ("x-two", "1"), ("x-empty", ""), ("x-two", "2")]


WHOLE = {"part": {"kind": "whole"}, "table": [], "prefix": "", "suffix": ""}


def from_source(kind, default="", action="set-from", derived=None, **rest):
    source = {"kind": kind, **rest}
    return {"action": action, "name": "x-out", "from": source, **WHOLE, **(derived or {}), "default": default}


class Sources(unittest.TestCase):
    def test_are_read(self):
        for source, value in [
            ({"kind": "header", "name": "x-one"}, "1"),
            ({"kind": "header", "name": "x-two"}, "1, 2"),
            ({"kind": "request-header", "name": "x-one"}, "1"),
            ({"kind": "cookie", "name": "token"}, 'a="b" c'),
            ({"kind": "cookie", "name": "id"}, "7"),
            ({"kind": "joined", "inputs": [{"kind": "path-segment", "segment": 1}, {"kind": "cookie", "name": "id"}], "separator": ":"}, "orders:7"),
            ({"kind": "path"}, "/orders/4711%2F/"),
            ({"kind": "path-segment", "segment": 1}, "orders"),
            ({"kind": "path-segment", "segment": 2}, "4711%2F"),
            ({"kind": "query", "name": "tenant"}, "a%20b"),
            ({"kind": "query", "name": "eq"}, "x=y"),
        ]:
            with self.subTest(source=source):
                self.assertEqual(transform([from_source(**source)], CLIENT).values("x-out"), [value])

    def test_have_a_default_where_they_are_absent_or_empty(self):
        for source in [
            {"kind": "header", "name": "x-none"},
            {"kind": "header", "name": "x-empty"},
            {"kind": "cookie", "name": "empty"},
            {"kind": "cookie", "name": "flag"},
            {"kind": "cookie", "name": "toke"},
            {"kind": "joined", "inputs": [{"kind": "path"}, {"kind": "cookie", "name": "no"}], "separator": ":"},
            {"kind": "path-segment", "segment": 3},
            {"kind": "path-segment", "segment": 4},
            {"kind": "query", "name": "empty"},
            {"kind": "query", "name": "flag"},
            {"kind": "query", "name": "ten"},
        ]:
            with self.subTest(source=source):
                self.assertEqual(transform([from_source(default="none", **source)], CLIENT).values("x-out"), ["none"])
                client = [*CLIENT, ("x-out", "the client's")]
                self.assertEqual(transform([from_source(**source)], client).values("x-out"), [])
                appended = transform([from_source(action="append-from", **source)], client)
                self.assertEqual(appended.values("x-out"), ["the client's"])

    def test_are_none_in_a_message_without_a_path(self):
        for source in [{"kind": "path"}, {"kind": "path-segment", "segment": 1}, {"kind": "query", "name": "a"}]:
            self.assertEqual(transform([from_source(**source)], []).values("x-out"), [])

    def test_of_the_request_are_kept_for_the_response_as_it_went_on(self):
        script = Filter(
            {
                "request": [{"action": "rename", "name": "x-one", "to": "x-new"}],
                "response": [
                    from_source("request-header", name="x-new", action="append-from"),
                    from_source("header", name="x-new", action="append-from"),
                    from_source("path-segment", segment=1, action="append-from"),
                    from_source("query", name="none", action="append-from", default="-"),
                    from_source(
                        "joined",
                        inputs=[{"kind": "header", "name": "x-new"}, {"kind": "request-header", "name": "x-new"}],
                        separator="+",
                        action="append-from",
                    ),
                ],
                "reroute": False,
            }
        )
        script.request(CLIENT)
        outcome = script.response([(":status", "200"), ("x-new", "upstream")])
        self.assertEqual(outcome.values("x-out"), ["1", "upstream", "orders", "-", "upstream+1"])

    def test_of_a_request_that_did_not_come_by_are_absent(self):
        operation = from_source("path", default="none")
        self.assertEqual(transform([operation], [(":status", "200")], "response").values("x-out"), ["none"])


class Derived(unittest.TestCase):
    def test_parts_and_tables_make_values(self):
        plans = [{"when": "g", "use": "gold"}, {"when": "s", "use": "silver"}]
        for value, part, table, expected in [
            ("a.b", None, [], "<a.b>"),
            ("a.b.c", (".", 1), [], "<a>"),
            ("a.b.c", (".", 2), [], "<b>"),
            ("a.b.c", (".", -1), [], "<c>"),
            ("a.b.c", (".", -2), [], "<b>"),
            ("a.b", (".", 3), [], "none"),
            ("a.b", (".", -3), [], "none"),
            ("a..c", (".", 2), [], "none"),
            ("a, b ,c", (",", 2), [], "<b>"),
            ("abc", (".", 1), [], "<abc>"),
            ("a::b", ("::", 2), [], "<b>"),
            ("a%b", ("%", 2), [], "<b>"),
            ("g", None, plans, "<gold>"),
            ("G", None, plans, "none"),
            ("plan=s", ("=", 2), plans, "<silver>"),
            ("", None, plans, "none"),
        ]:
            taken = {"kind": "separated", "separator": part[0], "number": part[1]} if part else {"kind": "whole"}
            derived = {"part": taken, "table": table, "prefix": "<", "suffix": ">"}
            with self.subTest(value=value, **derived):
                operation = from_source("header", name="x-in", default="none", derived=derived)
                self.assertEqual(transform([operation], [("x-in", value)]).values("x-out"), [expected])


class Mistakes(unittest.TestCase):
    def test_are_answered_with_500_and_named_in_the_log(self):
        def source(kind, **rest):
            return {"request": [from_source(kind, **rest)], "response": [], "reroute": False}

        good = {"action": "set", "name": "x-a", "value": "1"}
        for settings, message in [
            ({}, "settings.request is nil"),
            ({"request": [], "reroute": False}, "settings.response is nil"),
            ({"request": [], "response": [], "reroute": False, "body": []}, 'settings.body is not known'),
            ({"request": "x", "response": [], "reroute": False}, 'request is "x"; it must be a list'),
            ({"request": good, "response": [], "reroute": False}, "request is an object; it must be a list"),
            ({"request": [good, "x"], "response": [], "reroute": False}, "request[1].action is nil"),
            ({"request": [], "response": [{**good, "action": "put"}], "reroute": False}, 'response[0].action is "put"; it must be one of'),
            ({"request": [{"action": "set", "name": "x-a"}], "response": [], "reroute": False}, "request[0].value is nil"),
            ({"request": [{**good, "to": "x-b"}], "response": [], "reroute": False}, 'request[0].to is not known'),
            ({"request": [{**good, "name": "host"}], "response": [], "reroute": False}, 'request[0].name is "host"; an extension cannot'),
            ({"request": [{"action": "rename", "name": "x-a", "to": "X-B"}], "response": [], "reroute": False}, 'request[0].to is "X-B"'),
            ({"request": [], "response": []}, "settings.reroute is nil"),
            ({"request": [], "response": [], "reroute": True}, "settings.reroute is true; it must be false"),
            (source("body", name="a"), 'request[0].from.kind is "body"; it must be one of header'),
            (source("cookie", name="a=b"), 'request[0].from.name is "a=b"; it must be the name of a cookie'),
            (source("joined", inputs=[{"kind": "path"}], separator=""), "request[0].from.inputs is"),
            (source("joined", inputs=[{"kind": "path"}, {"kind": "joined"}], separator=""), "request[0].from.inputs[1].kind is"),
            (source("path", derived={"part": {"kind": "pattern", "pattern": "a"}}), 'request[0].part.kind is "pattern"'),
            (source("path", derived={"part": {"kind": "separated", "separator": ".", "number": 0}}), "request[0].part.number is"),
            (source("path", derived={"part": {"kind": "separated", "separator": "", "number": 1}}), "request[0].part.separator is"),
            (source("path", derived={"table": [{"when": "a", "use": "b"}] * 2}), "request[0].table[1].when is"),
            (source("path", derived={"prefix": "a\nb"}), "request[0].prefix is"),
            (source("path-segment", segment=0), "request[0].from.segment is"),
            (source("query", name="a b"), 'request[0].from.name is "a b"'),
            (source("header", name="host"), 'request[0].from.name is "host"'),
            (source("path", name="a"), "request[0].from.name is not known"),
            (source("path", default="a\nb"), "request[0].default is"),
            ({"request": [{**good, "value": "a\nb"}], "response": [], "reroute": False}, "request[0].value is"),
        ]:
            with self.subTest(message=message):
                outcome = Filter(settings).request([("x-a", "kept")])
                self.assertEqual(outcome.reply[":status"], "500")
                self.assertIn(message, outcome.logs[0])
                self.assertEqual(outcome.headers, [("x-a", "kept")])


if __name__ == "__main__":
    unittest.main()
