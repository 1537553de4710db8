#!/usr/bin/env python3
"""Checks the objects in policy/ before they are applied.

Every file is YAML, every object keeps the schema of its kind in test/schemas/ (a misspelt field is an error), the
kustomization lists all of them but routes, which are merged into your own, and no TODO is left (a warning: `--strict`
makes it an error). The schemas are those of the release that this repository was made for; CEL rules and references are not
judged by them. Where kubectl or egctl is installed, they check as well; a check that cannot run is reported as skipped,
never as passed. Exit codes: 0 nothing is wrong, 1 something is.
"""
from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import yaml

POLICY = Path(__file__).resolve().parent.parent / "policy"
SCHEMAS = Path(__file__).resolve().parent / "schemas"
# Kinds of which one, applied with the rest, would take the place of your own.
ROUTES = ("HTTPRoute", "GRPCRoute")
API_VERSION = re.compile(r"^([a-z0-9.-]+/)?v[0-9]+((alpha|beta)[0-9]+)?$")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def files() -> list[Path]:
    return sorted(p for p in POLICY.glob("*.yaml") if p.name != "kustomization.yaml")


def objects(path: Path) -> list[dict]:
    """The objects in a file; none where it is not valid YAML, which check_objects says."""
    try:
        return [o for o in yaml.safe_load_all(path.read_text(encoding="utf-8")) if isinstance(o, dict)]
    except yaml.YAMLError:
        return []


def schema_of(kind: object) -> dict | None:
    path = SCHEMAS / f"{kind}.json".lower()
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def field(error: jsonschema.ValidationError) -> str:
    """Where an error is: spec.jwt.providers[0].audiences."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")


def check_schema() -> list[str]:
    problems = []
    for path in files():
        for thing in objects(path):
            schema = schema_of(thing.get("kind"))
            errors = jsonschema.Draft202012Validator(schema).iter_errors(thing) if schema else []
            for error in sorted(errors, key=lambda e: list(map(str, e.absolute_path))):
                best = jsonschema.exceptions.best_match([error])
                problems.append(f"{path.name}: {field(best) or 'the object'}: {best.message}")
    return problems


def without_schema() -> list[str]:
    return sorted({str(o.get("kind")) for path in files() for o in objects(path) if not schema_of(o.get("kind"))})


def release() -> str:
    """The release of Envoy Gateway that the schemas are from."""
    comments = [json.loads(p.read_text(encoding="utf-8")).get("$comment", "") for p in sorted(SCHEMAS.glob("*.json"))]
    found = [match[1] for match in (re.search(r"gateway (v[0-9.]+)", text) for text in comments) if match]
    return found[0] if found else "an unknown release"


def check_objects() -> list[str]:
    problems = []
    seen = {}
    for path in files():
        try:
            things = [o for o in yaml.safe_load_all(path.read_text(encoding="utf-8")) if o]
        except yaml.YAMLError as error:
            problems.append(f"{path.name}: not valid YAML: {error}")
            continue
        for thing in things:
            metadata = thing.get("metadata") or {}
            if not API_VERSION.match(str(thing.get("apiVersion", ""))):
                problems.append(f"{path.name}: apiVersion is missing or not valid")
            for field, value in (("kind", thing.get("kind")), ("metadata.name", metadata.get("name"))):
                if not value:
                    problems.append(f"{path.name}: {field} is missing")
            key = (thing.get("kind"), metadata.get("namespace"), metadata.get("name"))
            if key in seen:
                problems.append(f"{path.name}: {seen[key]} has the same object: {key[0]} {key[1]}/{key[2]}")
            seen[key] = path.name
    return problems


def resources() -> set[str]:
    return set(yaml.safe_load((POLICY / "kustomization.yaml").read_text(encoding="utf-8"))["resources"])


def check_kustomization() -> list[str]:
    listed = resources()
    routes = {path.name for path in files() if any(o.get("kind") in ROUTES for o in objects(path))}
    there = {path.name for path in files() if path.name not in routes - listed}
    return [f"kustomization.yaml does not list {name}" for name in sorted(there - listed)] + [
        f"kustomization.yaml lists {name}, which is not there" for name in sorted(listed - there)
    ]


def todos() -> list[str]:
    return [
        f"{path.name}:{number}: {line.split('#', 1)[1].strip()}"
        for path in files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "# TODO" in line
    ]


def run(*command: str) -> str:
    """What a program says against the policies; nothing where it accepts them."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    text = COLOUR.sub("", f"{done.stdout}\n{done.stderr}").strip()
    # egctl ends with 0 whatever it found.
    if command[0] == "egctl":
        return "" if text == "OK" else text or "no answer"
    return "" if done.returncode == 0 else text


def main() -> int:
    failed = False

    def report(title: str, problems: list[str]) -> None:
        nonlocal failed
        failed = failed or bool(problems)
        print(f"{'failed' if problems else 'passed'}: {title}")
        for problem in problems:
            print(f"  {problem}")

    if not files():
        report("there are policies", ["policy/ has none"])
        return 1
    report("the objects are complete", check_objects())
    report(f"the objects keep the schema of Envoy Gateway {release()}", check_schema())
    for kind in without_schema():
        print(f"skipped: the schema of {kind} (test/schemas has none)")
    report("kustomization.yaml lists what is applied", check_kustomization())
    open_places = todos()
    if "--strict" in sys.argv:
        report("nothing is left to decide", open_places)
    for place in open_places if "--strict" not in sys.argv else []:
        print(f"to decide: {place}")
    for program, title, command in (
        ("kubectl", "kustomize takes the folder", ["kubectl", "kustomize", str(POLICY)]),
        ("egctl", "Envoy Gateway's validation takes the objects", None),
    ):
        if program == "kubectl" and not resources():
            print(f"skipped: {title} (there is only a route, to be merged into your own)")
            continue
        if not shutil.which(program):
            print(f"skipped: {title} (there is no program {program})")
            continue
        outputs = (
            [run(*command)]
            if command
            else [run("egctl", "experimental", "validate", "-f", str(path)) for path in files()]
        )
        report(title, [output for output in outputs if output])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
