"""The logic of this extension: src/filter.lua and src/path.lua."""
import json
import random
import unittest
from urllib.parse import quote, unquote_to_bytes

from filter import Filter

BASE = {"rules": [], "provider": "idp", "pathCase": "sensitive", "decisionLog": "all", "subject": [], "mode": "enforce"}
NO_RULE, AMBIGUOUS, NO_CLAIMS = "403 no_rule", "403 ambiguous_path", "401 claims_missing"


def rule(number=0, **members):
    empty = {"name": f"rule-{number}", "effect": "allow", "methods": [], "paths": [], "headers": [], "claims": []}
    return {**empty, **members}


def run(settings, path="/", claims=None, headers=(), method="GET"):
    payload = {} if claims is None else {"idp": claims}
    script = Filter({**BASE, **settings}, metadata={"envoy.filters.http.jwt_authn": {"other": {"admin": True}, **payload}})
    return script.request([(":method", method), (":path", path), *headers])


def ask(rules, *args, settings=None, **kwargs):
    """`allow`, or the status and the reason of the refusal."""
    outcome = run({"rules": rules, **(settings or {})}, *args, **kwargs)
    if outcome.reply is None:
        return "allow"
    return f"{outcome.reply[':status']} {json.loads(outcome.logs[-1])['reason']}"


class OwnValues(unittest.TestCase):
    """Claims that are compared with the request itself."""

    CLAIMS = {"sub": "Ann é", "tenants": ["a", 7], "host": "Shop.example.com", "empty": ""}
    SEGMENT = {"is": "equals-segment", "claim": ["sub"], "segment": 2}
    HEADER = {"is": "equals-header", "claim": ["tenants"], "name": "x-tenant"}
    QUERY = {"is": "equals-query", "claim": ["sub"], "name": "user"}
    HOST = {"is": "equals-host", "claim": ["host"]}

    def test_in_rules_that_allow_and_that_deny(self):
        for condition, path, headers, allows, denies in [
            (self.SEGMENT, "/users/Ann%20%C3%A9", [], True, True),
            (self.SEGMENT, "/users/Ann%20é/orders", [], True, True),
            (self.SEGMENT, "/users/Bob", [], False, False),
            (self.SEGMENT, "/users/ann%20%C3%A9", [], False, False),
            (self.SEGMENT, "/users/Ann+%C3%A9", [], False, False),
            (self.SEGMENT, "/users", [], False, False),
            ({**self.SEGMENT, "claim": ["empty"]}, "/users/", [], False, False),
            (self.HEADER, "/", [("x-tenant", "a")], True, True),
            (self.HEADER, "/", [("x-tenant", "7")], True, True),
            (self.HEADER, "/", [("x-tenant", "b")], False, False),
            (self.HEADER, "/", [], False, False),
            (self.HEADER, "/", [("x-tenant", "a"), ("x-tenant", "b")], False, True),
            (self.HEADER, "/", [("x-tenant", "b, a")], False, True),
            (self.QUERY, "/?user=Ann+é&user[]=Bob", [], False, True),
            (self.QUERY, "/?user=Ann+é&user%5Bx%5D=Bob", [], False, True),
            (self.QUERY, "/?user=Ann+é&user%00x=Bob", [], False, True),
            (self.QUERY, "/?user=Ann+é&+user%09=Bob", [], False, True),
            ({**self.QUERY, "name": "user_id"}, "/?user_id=Ann+é&user.id=Bob", [], False, True),
            (self.QUERY, "/?user=Ann+é&users=Bob", [], True, True),
            (self.QUERY, "/?user=Ann+%C3%A9", [], True, True),
            (self.QUERY, "/?x&=&user=Ann%20é&y=1", [], True, True),
            (self.QUERY, "/?user=Bob", [], False, False),
            (self.QUERY, "/", [], False, False),
            (self.QUERY, "/?user=Ann+é&user=Bob", [], False, True),
            (self.QUERY, "/?user=Ann+é&%75ser=Bob", [], False, True),
            (self.QUERY, "/?user=Ann+é&USER=Bob", [], False, True),
            (self.QUERY, "/?user=Ann+é;user=Bob", [], False, True),
            (self.QUERY, "/?user=Bob&x=%", [], False, True),
            (self.HOST, "/", [(":authority", "shop.EXAMPLE.com")], True, True),
            (self.HOST, "/", [(":authority", "shop.example.com:8443")], True, True),
            (self.HOST, "/", [(":authority", "shop.example.com.")], True, True),
            (self.HOST, "/", [(":authority", "shop.example.com.evil")], False, False),
            (self.HOST, "/", [], False, False),
        ]:
            with self.subTest(condition=condition, path=path, headers=headers):
                allowing = [rule(claims=[condition])]
                denying = [rule(effect="deny", claims=[condition]), rule(1)]
                self.assertEqual(ask(allowing, path, self.CLAIMS, headers) == "allow", allows)
                self.assertEqual(ask(denying, path, self.CLAIMS, headers) != "allow", denies)
                self.assertEqual(ask(allowing, path, None, headers), NO_CLAIMS)

    def test_segments_follow_the_case_of_paths(self):
        rules = [rule(claims=[self.SEGMENT])]
        self.assertEqual(ask(rules, "/users/AnN", {"sub": "aNN"}, settings={"pathCase": "ignored"}), "allow")

    def test_what_cannot_work_is_refused(self):
        for condition, expected in [
            ({**self.SEGMENT, "segment": 0}, "whole number from 1"),
            ({**self.HEADER, "name": "cookie"}, "must not rest"),
            ({**self.QUERY, "name": "a b"}, "query parameter"),
            ({**self.QUERY, "value": "x"}, "is not known"),
            ({**self.HOST, "claim": []}, "not empty"),
        ]:
            with self.subTest(condition=condition):
                outcome = run({"rules": [rule(claims=[condition])]})
                self.assertEqual(outcome.reply[":status"], "500")
                self.assertIn(expected, outcome.logs[-1])


class Paths(unittest.TestCase):
    def test_match(self):
        for match, pattern, path, expected in [
            ("exact", "/a", "/a", "allow"),
            ("exact", "/a", "/a?x=/b", "allow"),
            ("exact", "/a", "/a/", NO_RULE),
            ("exact", "/a", "/ab", NO_RULE),
            ("exact", "/a", "/A", NO_RULE),
            ("exact", "/a", "/%61", "allow"),
            ("exact", "/", "/", "allow"),
            ("exact", "/", "/a", NO_RULE),
            ("exact", "/é", "/%C3%a9", "allow"),
            ("exact", "/a/", "/a/", "allow"),
            ("exact", "/a.c", "/abc", NO_RULE),
            ("prefix", "/a", "/a", "allow"),
            ("prefix", "/a", "/a/", "allow"),
            ("prefix", "/a", "/a/b/c", "allow"),
            ("prefix", "/a", "/ab", NO_RULE),
            ("prefix", "/", "/a/b", "allow"),
            ("segments", "/u/*/o", "/u/1/o", "allow"),
            ("segments", "/u/*/o", "/u/1/2/o", NO_RULE),
            ("segments", "/u/*", "/u/", NO_RULE),
            ("segments", "/u/*/**", "/u/1", "allow"),
            ("segments", "/u/*/**", "/u/1/2/3", "allow"),
            ("segments", "/u/*/**", "/u", NO_RULE),
            ("segments", "/**", "/", "allow"),
        ]:
            with self.subTest(match=match, pattern=pattern, path=path):
                paths = [{"match": "exact", "path": "/never"}, {"match": match, "path": pattern}]
                self.assertEqual(ask([rule(paths=paths)], path), expected)

    def test_that_servers_read_differently_are_denied(self):
        for path in [
            "/a//b", "//a", "/a/../b", "/a/%2e%2E/b", "/.", "/a%2Fb", "/a\\b", "/a%5cb", "/a;x=1", "/a%3bx", "/a%00",
            "/%ff", "/..%c0%afadmin", "/%e0%80%afadmin", "/%ed%a0%80", "/%f4%90%80%80", "/a%c3", "/a%7F", "/a%2561", "/a%zz", "/a%2", "/a%", "/a#b", "*", "", "http://a/",
        ]:  # fmt: skip
            with self.subTest(path=path):
                self.assertEqual(ask([rule()], path), AMBIGUOUS)
        for path in ["/a%25", "/%c3%a9x", "/%e2%82%ac%f0%9f%98%80", "/"]:
            self.assertEqual(ask([rule()], path), "allow")

    def test_without_regard_to_case(self):
        rules = [rule(paths=[{"match": "prefix", "path": "/AdmÍn"}])]
        for path, expected in [("/aDM%C3%8Dn/x", "allow"), ("/%41dm%C3%8dN", "allow"), ("/adm%C3%ADn", NO_RULE)]:
            self.assertEqual(ask(rules, path, settings={"pathCase": "ignored"}), expected)

    def test_that_are_allowed_name_one_place_only(self):
        pick = random.Random(1).choice
        script = Filter({**BASE, "rules": [rule()]})
        allowed = lambda path: script.request([(":method", "GET"), (":path", path)]).reply is None  # noqa: E731
        for _ in range(3000):
            path = "".join(pick(["/", "a", "..", ".", ";", "%2f", "%2e", "%25", "%5C", "%", "%61", "\\", "?", "#", "%c3%a9"]) for _ in range(6))
            if not allowed(path):
                continue
            decoded = unquote_to_bytes(path.split("?")[0])
            segments = decoded.split(b"/")
            self.assertEqual(segments[0], b"")
            self.assertFalse({b"", b".", b".."} & set(segments[1:-1]) or segments[-1] in (b".", b".."), path)
            self.assertEqual(len(segments), path.split("?")[0].count("/") + 1)
            self.assertFalse(any(byte in decoded for byte in b";\\"), path)
            self.assertTrue(allowed(quote(decoded)), path)


class Rules(unittest.TestCase):
    def test_the_first_that_matches_decides(self):
        admin = [{"match": "prefix", "path": "/admin"}]
        rules = [rule(0, effect="deny", paths=admin, methods=["DELETE"]), rule(1, paths=admin), rule(2, effect="deny", paths=admin)]
        for method, path, expected in [
            ("DELETE", "/admin", "403 rule"),
            ("GET", "/admin", "allow"),
            ("delete", "/admin", "allow"),
            ("GET", "/", NO_RULE),
        ]:
            self.assertEqual(ask(rules, path, method=method), expected)
        self.assertEqual(ask([], claims={}), NO_RULE)

    def test_headers(self):
        present = {"is": "present", "name": "x-a"}
        equals = {"is": "equals", "name": "x-a", "value": "1"}
        one_of = {"is": "one-of", "name": "x-a", "values": ["1", "2"]}
        for condition, lines, allows, denies in [
            (present, [], False, False),
            (present, [""], True, True),
            (equals, [], False, False),
            (equals, ["1"], True, True),
            (equals, ["1", "1"], True, True),
            (equals, ["1", "3"], False, True),
            (equals, ["3", "1"], False, True),
            (equals, ["1,3"], False, True),
            (equals, ["3 ,\t1 "], False, True),
            (equals, ["3", "2, 1"], False, True),
            (equals, ["11, 3"], False, False),
            (one_of, ["2"], True, True),
            (one_of, ["2", "3"], False, True),
            (one_of, ["3"], False, False),
        ]:
            with self.subTest(condition=condition, lines=lines):
                headers = [("x-a", line) for line in lines]
                self.assertEqual(ask([rule(headers=[condition])], headers=headers) == "allow", allows)
                rules = [rule(0, effect="deny", headers=[condition]), rule(1)]
                self.assertEqual(ask(rules, headers=headers) != "allow", denies)

    def test_claims(self):
        claims = {
            "sub": "u1", "scope": "read  write", "level": 3, "time": 4102444800, "half": 0.5, "on": True, "none": None, "empty": "",
            "groups": ["a b", 7, None, False, ["deep"]], "realm": {"roles": ["admin"]}, "https://x/y.z": "named", "nothing": [[]],
        }  # fmt: skip
        for condition, expected in [
            ({"is": "present", "claim": ["sub"]}, True),
            ({"is": "present", "claim": ["none"]}, False),
            ({"is": "present", "claim": ["absent", "below"]}, False),
            ({"is": "present", "claim": ["empty"]}, True),
            ({"is": "present", "claim": ["realm"]}, False),
            ({"is": "present", "claim": ["sub", "deeper"]}, False),
            ({"is": "present", "claim": ["groups"]}, True),
            ({"is": "present", "claim": ["groups", "1"]}, False),
            ({"is": "present", "claim": ["nothing"]}, False),
            ({"is": "equals", "claim": ["sub"], "value": "u1"}, True),
            ({"is": "equals", "claim": ["sub"], "value": "U1"}, False),
            ({"is": "equals", "claim": ["level"], "value": "3"}, True),
            ({"is": "equals", "claim": ["level"], "value": "3.0"}, False),
            ({"is": "equals", "claim": ["time"], "value": "4102444800"}, True),
            ({"is": "equals", "claim": ["half"], "value": "0.5"}, True),
            ({"is": "equals", "claim": ["on"], "value": "true"}, True),
            ({"is": "equals", "claim": ["none"], "value": "nil"}, False),
            ({"is": "equals", "claim": ["groups"], "value": "a b"}, False),
            ({"is": "equals", "claim": ["https://x/y.z"], "value": "named"}, True),
            ({"is": "contains", "claim": ["scope"], "value": "write"}, True),
            ({"is": "contains", "claim": ["scope"], "value": "rea"}, False),
            ({"is": "contains", "claim": ["scope"], "value": "read  write"}, False),
            ({"is": "contains", "claim": ["groups"], "value": "a b"}, True),
            ({"is": "contains", "claim": ["groups"], "value": "a"}, False),
            ({"is": "contains", "claim": ["groups"], "value": "7"}, True),
            ({"is": "contains", "claim": ["groups"], "value": "false"}, True),
            ({"is": "contains", "claim": ["groups"], "value": "deep"}, False),
            ({"is": "contains", "claim": ["realm", "roles"], "value": "admin"}, True),
            ({"is": "contains", "claim": ["realm"], "value": "roles"}, False),
            ({"is": "contains", "claim": ["level"], "value": "3"}, True),
            ({"is": "one-of", "claim": ["sub"], "values": ["u0", "u1"]}, True),
            ({"is": "one-of", "claim": ["sub"], "values": ["u0"]}, False),
            ({"is": "one-of", "claim": ["groups"], "values": ["x", "7"]}, True),
            ({"is": "one-of", "claim": ["scope"], "values": ["write"]}, False),
        ]:
            with self.subTest(condition=condition):
                self.assertEqual(ask([rule(claims=[condition])], claims=claims) == "allow", expected)

    def test_without_verified_claims(self):
        admin = {"claims": [{"is": "equals", "claim": ["admin"], "value": "true"}]}
        for rules, claims, expected in [
            ([rule(**admin)], None, NO_CLAIMS),
            ([rule(0, **admin), rule(1, effect="deny")], None, NO_CLAIMS),
            ([rule(0, **admin), rule(1)], None, "allow"),
            ([rule(effect="deny", **admin)], None, NO_RULE),
            ([rule(methods=["POST"], **admin)], None, NO_RULE),
            ([rule(0, effect="deny"), rule(1, **admin)], None, "403 rule"),
            ([rule(**admin)], {}, NO_RULE),
            ([rule(**admin)], "text", NO_CLAIMS),
        ]:
            with self.subTest(rules=rules, claims=claims):
                self.assertEqual(ask(rules, claims=claims, headers=[("authorization", "Bearer unverified")]), expected)


class Answers(unittest.TestCase):
    def test_refusals(self):
        reply = run({}).reply
        self.assertEqual(reply.pop("body"), '{"type":"about:blank","title":"Forbidden","status":403}')
        self.assertEqual(reply, {":status": "403", "content-type": "application/problem+json"})
        reply = run({"rules": [rule(claims=[{"is": "present", "claim": ["sub"]}])]}).reply
        self.assertEqual(reply.pop("body"), '{"type":"about:blank","title":"Unauthorized","status":401}')
        self.assertEqual(reply, {":status": "401", "content-type": "application/problem+json", "www-authenticate": "Bearer"})

    def test_decision_log(self):
        settings = {"subject": ["who", "name"], "rules": [rule(name='the "readers"', paths=[{"match": "exact", "path": "/r"}])]}
        name = 'ü<"\n\\\x7f>'
        allowed = {
            "event": "authorization", "decision": "allow", "reason": "rule", "rule": 'the "readers"', "method": "GET",
            "path": "/r", "subject": name, "mode": "enforce",
        }  # fmt: skip
        refused = {
            "event": "authorization", "decision": "deny", "reason": "no_rule", "rule": "", "method": "GET",
            "path": '/%22%C3%A9"', "mode": "enforce",
        }  # fmt: skip
        for log, expected in [("all", [allowed, refused]), ("denied", [refused]), ("none", [])]:
            lines = run({**settings, "decisionLog": log}, "/r?t=secret", {"who": {"name": name}}, [("authorization", "secret")]).logs
            lines += run({**settings, "decisionLog": log}, '/%22é"?secret', headers=[("cookie", "secret")]).logs
            self.assertEqual([json.loads(line) for line in lines], expected)
            self.assertFalse(any("secret" in line or "\n" in line for line in lines))
        self.assertEqual(len(json.loads(run({}, "/" + "é" * 2000).logs[0])["path"]), 1024)

    def test_report_only(self):
        outcome = run({"mode": "report-only"}, "/a;b")
        self.assertIsNone(outcome.reply)
        self.assertIn('"decision":"deny","reason":"ambiguous_path"', outcome.logs[0])
        self.assertIn('"mode":"report-only"', outcome.logs[0])


class Mistakes(unittest.TestCase):
    def test_are_answered_with_500_and_named_in_the_log(self):
        def path(match, text):
            return {"rules": [rule(paths=[{"match": match, "path": text}])]}

        def header(**condition):
            return {"rules": [rule(headers=[condition])]}

        def claim(**condition):
            return {"rules": [rule(claims=[condition])]}

        for settings, message in [
            ({"rules": "x"}, 'settings.rules is "x"; it must be a list'),
            ({"more": "1"}, "settings.more is not known"),
            ({"mode": "observe"}, 'settings.mode is "observe"; it must be one of enforce, report-only'),
            ({"pathCase": True}, "settings.pathCase is true; it must be one of"),
            ({"decisionLog": ""}, 'settings.decisionLog is ""'),
            ({"subject": ["a", ""]}, 'settings.subject[1] is ""'),
            ({"provider": "", "subject": ["sub"]}, 'settings.provider is ""; it must be the name in SecurityPolicy'),
            ({"provider": "", **claim(**{"is": "present", "claim": ["a"]})}, 'settings.provider is ""'),
            ({"rules": [rule(), rule()]}, 'settings.rules[1].name is "rule-0"; it must be a name of its own'),
            ({"rules": [rule(name="")]}, 'settings.rules[0].name is ""'),
            ({"rules": [rule(effect="maybe")]}, 'settings.rules[0].effect is "maybe"; it must be one of allow, deny'),
            ({"rules": [rule(methods=["get"])]}, 'settings.rules[0].methods[0] is "get"'),
            ({"rules": [rule(extra="1")]}, "settings.rules[0].extra is not known"),
            ({"rules": ["x"]}, 'settings.rules[0] is "x"'),
            (path("glob", "/"), '.paths[0].match is "glob"; it must be one of exact, prefix, segments'),
            (path("exact", "a"), '.paths[0].path is "a"; begin with /'),
            (path("exact", "/a%20b"), "without percent-encoding"),
            (path("exact", "/a//b"), "empty and dot segments"),
            (path("exact", "/*"), "use match: segments"),
            (path("prefix", "/a/"), "remove the / at the end"),
            (path("segments", "/a*"), "let * stand for one whole segment"),
            (path("segments", "/**/a"), "let * stand for one whole segment"),
            (header(**{"is": "absent", "name": "x-a"}), '.headers[0].is is "absent"; it must be one of'),
            (header(**{"is": "contains", "name": "x-a", "value": "1"}), '.headers[0].is is "contains"'),
            (header(**{"is": "present", "name": "X-A"}), '.headers[0].name is "X-A"'),
            (header(**{"is": "present", "name": "authorization"}), "a decision must not rest on this header"),
            (header(**{"is": "present", "name": "x-forwarded-for"}), "a decision must not rest on this header"),
            (header(**{"is": "equals", "name": "x-a"}), ".headers[0].value is nil"),
            (header(**{"is": "one-of", "name": "x-a", "values": []}), ".headers[0].values[0] is nil"),
            (claim(**{"is": "present", "claim": []}), ".claims[0].claim[0] is nil"),
            (claim(**{"is": "contains", "claim": ["a"], "values": ["b"]}), ".claims[0].value is nil"),
            (claim(**{"is": "equals", "claim": ["a"], "value": True}), ".claims[0].value is true"),
        ]:
            with self.subTest(message=message):
                outcome = run(settings)
                self.assertEqual(outcome.reply[":status"], "500")
                self.assertIn(message, outcome.logs[0])

    def test_a_change_counts_at_once(self):
        loaded = Filter(BASE)
        for path, match, allowed in [
            ("/a", "prefix", True),
            ("/b", "prefix", False),
            ("/*/x", "segments", True),
            ("/a/**", "segments", True),
            ("/a", "exact", False),
        ]:
            with self.subTest(path=path, match=match):
                loaded.settings = {**BASE, "rules": [rule(paths=[{"match": match, "path": path}])]}
                for _ in range(2):
                    outcome = loaded.request([(":method", "GET"), (":path", "/a/x")])
                    self.assertEqual(outcome.reply is None, allowed)


if __name__ == "__main__":
    unittest.main()
