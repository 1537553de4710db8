"""Claims of a verified token: src/claims.lua."""
import unittest

from filter import ROOT, Filter

PARTS = [(ROOT / f"src/{name}.lua").read_text(encoding="utf-8") for name in ("checks", "claims", "handlers")]

# Answers with the texts of the claim at the path in x-path, as headers.
LOGIC = """
local function check_settings() end
local function on_request(handle)
  local path = {}
  for name in handle:headers():get("x-path"):gmatch("%S+") do path[#path + 1] = name end
  for _, text in ipairs(claim_texts(verified_claims(handle, "my-provider"), path)) do
    handle:headers():add("x-text", text)
  end
  handle:streamInfo():dynamicMetadata():set("my-extension", "path", path[1])
end
local function on_response(handle)
  handle:headers():add("x-path", handle:streamInfo():dynamicMetadata():get("my-extension").path)
end
"""

# In Lua these are what Envoy 1.36 and 1.39 made of the claims of a token.
CLAIMS = {
    "sub": "Zoë",
    "n": 42,
    "f": 1.5,
    "exp": 4102444800,
    "big": 9007199254740992,
    "t": True,
    "f0": False,
    "scope": "a b",
    "roles": ["admin", "dev"],
    "mixed": ["a", None, 1, True],
    "empty": [],
    "realm_access": {"roles": ["x", "y"], "k": "v"},
    "https://ex.com/role": "r",
    "objs": [{"a": "b"}],
}


def exchange(metadata):
    return Filter({}, PARTS[0] + PARTS[1] + LOGIC + PARTS[2], metadata)


def texts(path, metadata):
    outcome = exchange(metadata).request([("x-path", path)])
    assert outcome.reply is None, outcome.logs
    return outcome.values("x-text")


class Claims(unittest.TestCase):
    def test_are_texts_whatever_their_type(self):
        for path, expected in [
            ("sub", ["Zoë"]),
            ("n", ["42"]),
            ("f", ["1.5"]),
            ("exp", ["4102444800"]),
            ("big", ["9007199254740992"]),
            ("t", ["true"]),
            ("f0", ["false"]),
            ("scope", ["a b"]),
            ("roles", ["admin", "dev"]),
            ("mixed", ["a", "1", "true"]),
            ("empty", []),
            ("realm_access roles", ["x", "y"]),
            ("realm_access k", ["v"]),
            ("realm_access", []),
            ("https://ex.com/role", ["r"]),
            ("objs", []),
            ("absent", []),
            ("absent below", []),
            ("sub below", []),
        ]:
            with self.subTest(path=path):
                metadata = {"envoy.filters.http.jwt_authn": {"my-provider": CLAIMS}}
                self.assertEqual(texts(path, metadata), expected)

    def test_of_another_provider_or_no_token_are_none(self):
        for metadata in [
            {},
            {"envoy.filters.http.jwt_authn": {"other": CLAIMS}},
            {"envoy.filters.http.jwt_authn": "get_result"},  # Envoy Gateway's validator
        ]:
            with self.subTest(metadata=metadata):
                self.assertEqual(texts("sub", metadata), [])


class State(unittest.TestCase):
    def test_of_a_request_is_there_on_its_response(self):
        both = exchange({})
        both.request([("x-path", "sub")])
        self.assertEqual(both.response([(":status", "200")]).values("x-path"), ["sub"])


if __name__ == "__main__":
    unittest.main()
