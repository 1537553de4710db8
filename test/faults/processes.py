"""Runs a generated repository's Envoy and processors for the measurements in this folder, on loopback only."""

import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import yaml


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process, seconds=120):
    """Waits until the port accepts connections; stops with the reason if its process ends first."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"error: {process.args[0]} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    sys.exit(f"error: {process.args[0]} does not listen on port {port} after {seconds} s")


@contextlib.contextmanager
def running(command, port, cwd=None, env=None):
    """The process of a command that listens on a port. It is killed at the end."""
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield process
    finally:
        process.kill()
        process.wait()


def server_command(repository, port, *flags):
    binary = pathlib.Path(repository, "build/ext-proc-server").resolve()
    return [binary, "-config", "k8s/settings.json", "-secrets", "build/secrets", "-metrics-listen=",
            "-listen", f"127.0.0.1:{port}", *flags]


@contextlib.contextmanager
def envoy(binary, repository, upstream_port, processor_ports, change=lambda config: None, workers=1):
    """Envoy with the repository's local/envoy.yaml, its listener's port and its admin port."""
    listener, admin = free_port(), free_port()
    config = yaml.safe_load(pathlib.Path(repository, "local/envoy.yaml").read_text())
    config["admin"]["address"]["socket_address"]["port_value"] = admin
    resources = config["static_resources"]
    resources["listeners"][0]["address"]["socket_address"]["port_value"] = listener
    for cluster in resources["clusters"]:
        ports = [upstream_port] if cluster["name"] == "upstream" else processor_ports
        cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": [
            {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}
            for port in ports
        ]}]
    change(config)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        command = [binary, "-c", file.name, "--concurrency", str(workers), "--base-id-path", "/dev/null", "--use-dynamic-base-id",
                   "--log-level", "error"]
        with running(command, listener, cwd=repository) as process:
            yield process, listener, admin


def stats(admin, pattern):
    """Envoy's counters whose names match, without those that are 0."""
    with urllib.request.urlopen(f"http://127.0.0.1:{admin}/stats?usedonly&filter={pattern}", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return {name: value for name, _, value in (line.partition(": ") for line in lines) if value != "0"}


def memory(pid):
    """Resident memory of a process in bytes: now, and its peak."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    values = dict(line.split(":", 1) for line in status.splitlines())
    return tuple(int(values[name].split()[0]) << 10 for name in ("VmRSS", "VmHWM"))
