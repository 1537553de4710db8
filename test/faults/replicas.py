"""How many requests are lost when one of two replicas of a processor is killed or told to stop.

It needs a generated repository of extproc-go, built with `make build`, and PyYAML:

    python replicas.py --envoy PATH --repository FOLDER [--signal KILL|TERM] [--drain-delay 20s] [--without]

The replica gets the signal after 2 s; its endpoint stays in Envoy's configuration for --endpoint-stays seconds more,
then the measurement ends. --without takes away what the policy's backendSettings add.
"""

import argparse
import collections
import contextlib
import http.client
import json
import signal
import tempfile
import threading
import time

from processes import envoy, free_port, running, server_command, stats


@contextlib.contextmanager
def upstream(binary):
    """An Envoy that answers every request with 200."""
    port = free_port()
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "upstream",
        "http_filters": [{"name": "router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "{}"}}}]}]},
    }
    config = {"static_resources": {"listeners": [{
        "name": "upstream",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}],
    }]}}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        with running([binary, "-c", file.name, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"], port):
            yield port


def without_backend_settings(config):
    for cluster in config["static_resources"]["clusters"]:
        for field in ["health_checks", "outlier_detection", "circuit_breakers"]:
            cluster.pop(field, None)
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    for http_filter in manager["http_filters"]:
        http_filter["typed_config"].get("grpc_service", {}).pop("retry_policy", None)


def load(port, until, answers):
    """One client that sends a request every 10 ms at most, and counts the answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    while time.monotonic() < until:
        try:
            connection.request("POST", "/", body="{}", headers={"content-type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            answers[answer.status] += 1
        except (OSError, http.client.HTTPException):
            answers["connection"] += 1
            connection.close()
        time.sleep(0.01)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--repository", required=True)
    parser.add_argument("--signal", choices=["KILL", "TERM"], default="KILL")
    parser.add_argument("--drain-delay", default="20s")
    parser.add_argument("--endpoint-stays", type=float, default=7)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--without", action="store_true")
    options = parser.parse_args()

    ports = [free_port(), free_port()]
    with contextlib.ExitStack() as stack:
        first, _ = [
            stack.enter_context(running(server_command(options.repository, port, f"-drain-delay={options.drain_delay}"),
                                        port, cwd=options.repository))
            for port in ports
        ]
        backend = stack.enter_context(upstream(options.envoy))
        change = without_backend_settings if options.without else lambda config: None
        _, listener, admin = stack.enter_context(
            envoy(options.envoy, options.repository, backend, ports, change))
        answers = collections.Counter()
        until = time.monotonic() + 2 + options.endpoint_stays
        threads = [threading.Thread(target=load, args=(listener, until, answers)) for _ in range(options.clients)]
        for thread in threads:
            thread.start()
        time.sleep(2)
        first.send_signal(getattr(signal, f"SIG{options.signal}"))
        for thread in threads:
            thread.join()
        total = sum(answers.values())
        print(f"{options.signal}, drain delay {options.drain_delay}, "
              f"{'without' if options.without else 'with'} backendSettings: "
              f"{total - answers[200]} of {total} requests lost; {dict(answers)}")
        for name, value in stats(admin, "(upstream_rq_retry|ejections_enforced_total|health_check.failure)$").items():
            print(f"  {name}: {value}")


if __name__ == "__main__":
    main()
