"""The logic of this extension: src/filter.lua and src/event.lua."""
import json
import random
import unittest

from filter import Filter

ALL = ["method", "path", "query", "host", "status", "durationMs", "requestBytes", "responseBytes", "requestId", "clientAddress", "userAgent"]
SETTINGS = {
    "fields": ALL, "requestHeaders": [], "responseHeaders": [], "redactedHeaders": [], "keptQueryParameters": [],
    "claims": [], "provider": "", "output": "stdout",
    "sampling": {"perTenThousand": 10000, "header": "x-request-id", "always": "errors"},
}  # fmt: skip
REQUEST = [
    (":method", "POST"), (":path", "/a/b?page=2&token=t0ps3cret"), (":authority", "shop.example.com"), ("content-length", "12"),
    ("user-agent", 'a "b"'), ("x-request-id", "id-1"), ("authorization", "Bearer t0ps3cret"), ("cookie", "a=t0ps3cret"),
    ("cookie", "b=t0ps3cret"), ("x-list", "1"), ("x-list", "2"), ("x-own", "t0ps3cret"),
]  # fmt: skip
RESPONSE = [(":status", "200"), ("content-length", "34"), ("set-cookie", "s=t0ps3cret"), ("x-cache", "hit")]
CLAIMS = {"idp": {"sub": "alice", "n": 42, "yes": True, "realm": {"roles": ["admin", 7, "dev"]}}}


def exchange(request=REQUEST, response=RESPONSE, **settings):
    """The lines that are logged about one exchange; `request` None: a filter before has answered."""
    script = Filter({**SETTINGS, **settings}, metadata={"envoy.filters.http.jwt_authn": CLAIMS})
    if request is not None:
        outcome = script.request(request)
        assert (outcome.reply, outcome.logs, outcome.headers) == (None, [], list(request)), outcome
    outcome = script.response(response)
    assert outcome.headers == list(response), outcome
    return outcome.logs


def event(*args, **settings):
    [line] = exchange(*args, **settings)
    assert "\n" not in line
    return json.loads(line)


class Events(unittest.TestCase):
    BEGIN = {"event": "request", "time": "2026-10-01T12:00:00.123Z", "outcome": "answered"}

    def test_have_all_fields(self):
        self.assertEqual(
            exchange(),
            ['{"event":"request","time":"2026-10-01T12:00:00.123Z","outcome":"answered","method":"POST","path":"/a/b",'
             '"query":"page=[redacted]&token=[redacted]","host":"shop.example.com","status":200,"durationMs":250,'
             '"requestBytes":12,"responseBytes":34,"requestId":"id-1","clientAddress":"192.0.2.1","userAgent":"a \\"b\\""}'],
        )  # fmt: skip

    def test_have_the_chosen_fields_only(self):
        self.assertEqual(event(fields=[]), self.BEGIN)
        self.assertEqual(event(fields=["status", "method"]), {**self.BEGIN, "method": "POST", "status": 200})

    def test_have_headers_without_credentials(self):
        self.assertEqual(
            event(
                fields=[],
                requestHeaders=["authorization", "cookie", "x-list", "x-own", "x-absent"],
                responseHeaders=["set-cookie", "x-cache"],
                redactedHeaders=["x-own"],
            ),
            {
                **self.BEGIN,
                "requestHeaders": {
                    "authorization": ["[redacted]"], "cookie": ["[redacted]"], "x-list": ["1", "2"], "x-own": ["[redacted]"],
                },
                "responseHeaders": {"set-cookie": ["[redacted]"], "x-cache": ["hit"]},
            },
        )  # fmt: skip
        self.assertEqual(event(fields=[], requestHeaders=["x-absent"]), self.BEGIN)

    def test_have_claims_of_all_types(self):
        claims = [
            {"name": name, "claim": path}
            for name, path in [("who", ["sub"]), ("n", ["n"]), ("yes", ["yes"]), ("roles", ["realm", "roles"]), ("no", ["sub", "x"])]
        ]
        self.assertEqual(
            event(claims=claims, provider="idp")["claims"],
            {"who": ["alice"], "n": ["42"], "yes": ["true"], "roles": ["admin", "7", "dev"]},
        )
        self.assertNotIn("claims", event(claims=claims, provider="other"))

    def test_leave_out_what_is_not_known(self):
        got = event([(":method", "GET"), (":path", "/")], [(":status", "204")])
        self.assertEqual(
            got, {**self.BEGIN, "method": "GET", "path": "/", "status": 204, "durationMs": 250, "clientAddress": "192.0.2.1"}
        )
        self.assertNotIn("responseBytes", event([(":method", "HEAD"), (":path", "/")]))
        self.assertNotIn("responseBytes", event(REQUEST, [(":status", "304"), ("content-length", "5")]))
        self.assertEqual(event([(":method", "GET"), (":path", "/a?")])["query"], "")

    def test_of_what_a_filter_before_has_answered(self):
        got = event(None, [(":status", "401")], fields=ALL)
        self.assertEqual(got, {**self.BEGIN, "status": 401, "clientAddress": "192.0.2.1"})

    def test_are_bounded(self):
        request = [(":method", "GET"), (":path", "/" + "a" * 50000), ("user-agent", "ü" * 5000)]
        request += [("x-many", "b" * 5000)] * 100
        got = event(request, requestHeaders=["x-many"])
        self.assertEqual((len(got["path"]), got["userAgent"]), (1024, ("%C3%BC" * 200)[:1024]))
        self.assertEqual([len(value) for value in got["requestHeaders"]["x-many"]], [1024] * 8)

    def test_hide_the_values_of_queries(self):
        for query, expected in [
            ("a=1", "a=[redacted]"),
            ("page=2&token=x&page=3", "page=2&token=[redacted]&page=3"),
            ("PAGE=2", "PAGE=[redacted]"),
            ("p%61ge=2", "p%61ge=[redacted]"),
            ("page=2;token=x", "page=2;token=[redacted]"),
            ("a%5B%5D=1", "a%5B%5D=1"),
            ("t0ken", "[redacted]"),
            ("dG9rZW4=&dG9rZW4==", "[redacted]&[redacted]"),
            ("page&page=", "page&page="),
            ("=x", "=[redacted]"),
            ("a=b=c?d", "a=[redacted]"),
            ("&&a=1&;", "&&a=[redacted]&;"),
        ]:
            with self.subTest(query=query):
                got = event([(":method", "GET"), (":path", "/?" + query)], keptQueryParameters=["page", "a%5B%5D"])
                self.assertEqual(got["query"], expected)

    def test_are_json_without_secrets_whatever_is_sent(self):
        chance = random.Random(1)
        pieces = ['"', "\\", "\n", "\t", "\x7f", "ü", "a", "=", "&", ";", "?", "%", "%zz", "[redacted]", "x=", " "]
        for _ in range(300):
            text = lambda: "".join(chance.choices(pieces, k=chance.randint(0, 8)))  # noqa: E731
            path = f"/{text()}?{text()}&token=t0ps3cret&{text()}&t0ps3cret"
            request = [(":method", "GET"), (":path", path), ("user-agent", text()), ("x-a", text()), ("authorization", "t0ps3cret")]
            [line] = exchange(request, requestHeaders=["x-a", "authorization"])
            self.assertTrue(line.isascii() and line.isprintable(), line)
            self.assertNotIn("t0ps3cret", line)
            json.loads(line)


class Sampling(unittest.TestCase):
    def logged(self, status, value="", **sampling):
        request = [(":method", "GET"), (":path", "/"), ("x-k", value)]
        return bool(exchange(request, [(":status", str(status))], sampling={"header": "x-k", "always": "none", **sampling}))

    def test_takes_the_same_values_as_the_other_languages(self):
        # The numbers that the same sum gives in Python.
        for value, number in [
            ("", 0), ("a", 1308), ("b", 9957), ("caller-0", 3375), ("ü", 9959), ("0b8f2f44-5b0b-4b1e-9d0a-6f7c5a1d2e3f", 4825),
        ]:  # fmt: skip
            with self.subTest(value=value):
                self.assertEqual(
                    [self.logged(200, value, perTenThousand=number), self.logged(200, value, perTenThousand=number + 1)],
                    [False, True],
                )

    def test_by_the_first_line_of_a_header(self):
        sampling = {"perTenThousand": 3376, "header": "x-k", "always": "none"}
        request = [(":method", "GET"), (":path", "/"), ("x-k", "caller-0"), ("x-k", "b")]
        self.assertEqual(len(exchange(request, sampling=sampling)), 1)
        self.assertEqual(len(exchange(None, sampling={**sampling, "perTenThousand": 1})), 1)
        self.assertEqual(len(exchange(None, sampling={**sampling, "perTenThousand": 0})), 0)

    def test_by_chance(self):
        self.assertTrue(self.logged(200, perTenThousand=10000, header=""))
        self.assertFalse(self.logged(200, perTenThousand=0, header=""))

    def test_keeps_errors(self):
        for status, always, expected in [
            (399, "errors", False), (400, "errors", True), (499, "server-errors", False), (500, "server-errors", True),
            (500, "none", False),
        ]:  # fmt: skip
            with self.subTest(status=status, always=always):
                self.assertEqual(self.logged(status, perTenThousand=0, always=always), expected)


class Mistakes(unittest.TestCase):
    def test_are_answered_with_500_and_named_in_the_log(self):
        sampling = SETTINGS["sampling"]
        for changed, message in [
            ({"fields": ["body"]}, 'settings.fields[0] is "body"; it must be one of method, path'),
            ({"requestHeaders": ["X-A"]}, 'settings.requestHeaders[0] is "X-A"; it must be the name of a header'),
            ({"responseHeaders": [""]}, "settings.responseHeaders[0] is"),
            ({"redactedHeaders": "x"}, 'settings.redactedHeaders is "x"; it must be a list'),
            ({"keptQueryParameters": [""]}, "settings.keptQueryParameters[0] is"),
            ({"claims": [{"name": "a", "claim": ["b"]}]}, 'settings.provider is ""; it must be the name in SecurityPolicy'),
            ({"claims": [{"name": "a", "claim": []}], "provider": "p"}, "settings.claims[0].claim[0] is nil"),
            ({"claims": [{"name": "a"}], "provider": "p"}, "settings.claims[0].claim is nil"),
            ({"sampling": {**sampling, "perTenThousand": 10001}}, 'settings.sampling.perTenThousand is "10001"; it must be a whole'),
            ({"sampling": {**sampling, "perTenThousand": 1.5}}, "settings.sampling.perTenThousand is"),
            ({"sampling": {**sampling, "header": ":path"}}, 'settings.sampling.header is ":path"'),
            ({"sampling": {**sampling, "always": "yes"}}, 'settings.sampling.always is "yes"; it must be one of'),
            ({"output": "otlp"}, 'settings.output is "otlp"; a script can only write'),
            ({"file": "x"}, "settings.file is not known"),
        ]:
            with self.subTest(message=message):
                outcome = Filter({**SETTINGS, **changed}).request(REQUEST)
                self.assertEqual(outcome.reply[":status"], "500")
                self.assertIn(message, outcome.logs[0])


if __name__ == "__main__":
    unittest.main()
