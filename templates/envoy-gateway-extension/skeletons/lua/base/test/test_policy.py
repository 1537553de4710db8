"""What this repository deploys: its settings have to be accepted by its own script, and be those that the cases test."""
import unittest
from typing import Any

from filter import ROOT, Filter, built_script
from ruamel.yaml import YAML


def load(path: str) -> Any:
    return YAML(typ="safe").load(ROOT / path)


def filter_contexts(config: Any) -> list:
    """Every filter_context in Envoy's configuration."""
    if isinstance(config, list):
        return [found for item in config for found in filter_contexts(item)]
    if isinstance(config, dict):
        return [config["filter_context"]] if "filter_context" in config else filter_contexts(list(config.values()))
    return []


class DeployedSettings(unittest.TestCase):
    def setUp(self):
        self.context = load("policy/envoyextensionpolicy.yaml")["spec"]["lua"][0].get("filterContext")

    def test_are_accepted(self):
        script = Filter(self.context, built_script(with_settings=True))
        for outcome in [script.request(), script.response([(":status", "200")])]:
            self.assertEqual([line for line in outcome.logs if line.startswith("extension failed")], [])

    def test_are_those_of_local_envoy(self):
        expected = [] if self.context is None else [self.context]
        self.assertEqual(filter_contexts(load("local/envoy.yaml")), expected)


if __name__ == "__main__":
    unittest.main()
