#!/usr/bin/env python3
"""Writes build/filter.lua into the policy, or checks that it is there (--check).

The script is spec.lua[].inline of the EnvoyExtensionPolicy, or, if that refers to a ConfigMap, its key `lua`.
"""
from __future__ import annotations

import argparse
import io
import re
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "build/filter.lua"
POLICY = ROOT / "policy/envoyextensionpolicy.yaml"
CONFIG_MAP = ROOT / "policy/lua-configmap.yaml"


class Document:
    """A YAML file that keeps its comments and its style when it is written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.yaml = YAML()
        self.yaml.preserve_quotes = True
        self.yaml.width = 10_000
        if re.search(r"^( *)[\w-]+:\n\1 +- ", self.text, re.MULTILINE):  # lists are indented
            self.yaml.indent(mapping=2, sequence=4, offset=2)
        self.data = self.yaml.load(self.text)

    def save(self) -> None:
        out = io.StringIO()
        self.yaml.dump(self.data, out)
        self.path.write_text(out.getvalue(), encoding="utf-8")


def find_script() -> tuple[Document, Any, str]:
    """The file with the script, the mapping in it that holds the script, and the key."""
    policy = Document(POLICY)
    entries = policy.data.get("spec", {}).get("lua") or []
    if len(entries) != 1:
        sys.exit(f"error: {POLICY} has {len(entries)} entries in spec.lua, expected 1; restore the entry of this extension")
    if entries[0].get("type", "Inline") == "Inline":
        return policy, entries[0], "inline"
    config_map = Document(CONFIG_MAP)
    wanted, actual = entries[0]["valueRef"]["name"], config_map.data["metadata"]["name"]
    if wanted != actual:
        sys.exit(f"error: {POLICY} refers to the ConfigMap {wanted}, {CONFIG_MAP} is {actual}; give both the same name")
    return config_map, config_map.data["data"], "lua"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the script differs")
    check = parser.parse_args().check
    script = SCRIPT.read_text(encoding="utf-8")
    try:
        document, holder, key = find_script()
    except (OSError, KeyError) as error:
        sys.exit(f"error: cannot find the script in policy/: {error}")
    name = document.path.relative_to(ROOT)
    if holder.get(key) == script:
        print(f"{name}: has the script of src/")
    elif check:
        sys.exit(f"error: {name} does not have the script of src/; run `make policy` and commit the file")
    else:
        holder[key] = LiteralScalarString(script)
        document.save()
        print(f"{name}: script written")


if __name__ == "__main__":
    main()
