"""How much memory a processor needs while clients keep large uploads unfinished, and when all of them end at once.

It needs a generated repository of extproc-go whose policy has a request body in FullDuplexStreamed, built with
`make build`, and PyYAML:

    python uploads.py --envoy PATH --repository FOLDER [--uploads 40] [--megabytes 8]

The processor gets the arguments and the environment of k8s/deployment.yaml. The exit code is 1 if its memory came
beyond the container's limit, or if it ended.
"""

import argparse
import contextlib
import os
import pathlib
import re
import socket
import threading
import time

import yaml

from processes import envoy, free_port, memory, running, server_command

MIB = 1 << 20
units = {"Mi": MIB, "Gi": 1 << 30, "MiB": MIB}


def quantity(text):
    number = text.rstrip("MGiB")
    return int(number) * units[text[len(number):]]


def container(repository):
    deployment = yaml.safe_load(pathlib.Path(repository, "k8s/deployment.yaml").read_text())
    return deployment["spec"]["template"]["spec"]["containers"][0]


def read_request(connection):
    """Reads one request with its body, which has a content-length or comes in chunks."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1 << 16)
    head, _, rest = head.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    read, tail = len(rest), rest[-5:]
    while read < int(length[1]) if length else tail != b"0\r\n\r\n":
        data = connection.recv(1 << 16)
        if not data:
            raise ConnectionError
        read, tail = read + len(data), (tail + data)[-5:]


def serve_upstream(listener):
    """Answers each request when its body has ended."""
    def answer(connection):
        with connection, contextlib.suppress(OSError):
            read_request(connection)
            connection.sendall(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
    while True:
        with contextlib.suppress(OSError):
            threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


class Upload:
    """A client that sends a JSON body but for its last byte."""

    def __init__(self, port, size):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.body = b'{"text":"' + b"x" * (size - 11) + b'"}'
        self.head = f"POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n"
        self.status = None
        self.sent = False

    def begin(self):
        with contextlib.suppress(OSError):
            self.socket.sendall(self.head.encode() + self.body[:-1])
            self.sent = True
        self.read(0.5)

    def end(self):
        if self.status is None:
            with contextlib.suppress(OSError):
                self.socket.sendall(self.body[-1:])
            self.read(60)
        self.socket.close()

    def read(self, seconds):
        self.socket.settimeout(seconds)
        with contextlib.suppress(OSError):
            if answer := self.socket.recv(4096):
                self.status = int(answer.split()[1])


def buffered(config):
    """Envoy holds each body and sends it to the processor when it has ended."""
    listener = config["static_resources"]["listeners"][0]
    listener["per_connection_buffer_limit_bytes"] = 64 * MIB
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    manager["http_filters"][0]["typed_config"]["processing_mode"] = {
        "request_header_mode": "SEND", "request_body_mode": "BUFFERED", "response_header_mode": "SKIP"}
    manager["http_filters"][0]["typed_config"]["message_timeout"] = "30s"


def each(uploads, do):
    threads = [threading.Thread(target=do, args=(upload,)) for upload in uploads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--repository", required=True)
    parser.add_argument("--uploads", type=int, default=40)
    parser.add_argument("--megabytes", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--buffered", action="store_true",
                        help="body mode Buffered, with a listener's buffer that holds each body")
    options = parser.parse_args()

    c = container(options.repository)
    limit = quantity(c["resources"]["limits"]["memory"])
    env = {**os.environ, **{e["name"]: e["value"] for e in c.get("env", []) if "value" in e}}
    upstream = socket.create_server(("127.0.0.1", 0), backlog=128)
    threading.Thread(target=serve_upstream, args=(upstream,), daemon=True).start()
    port = free_port()
    command = server_command(options.repository, port, *c["args"][2:])
    with running(command, port, cwd=options.repository, env=env) as processor, \
            envoy(options.envoy, options.repository, upstream.getsockname()[1], [port],
                  buffered if options.buffered else lambda config: None) as (_, listener, _):
        print(f"idle: {memory(processor.pid)[0] / MIB:.0f} MiB; limit {limit / MIB:.0f} MiB, "
              f"GOMEMLIMIT {env.get('GOMEMLIMIT', 'not set')}")
        for i in range(options.rounds):
            uploads = [Upload(listener, int(options.megabytes * MIB)) for _ in range(options.uploads)]
            each(uploads, Upload.begin)
            time.sleep(2)
            refused = sum(u.status == 503 for u in uploads)
            now, peak = memory(processor.pid)
            print(f"round {i + 1}: {options.uploads} unfinished: {now / MIB:.0f} MiB, peak {peak / MIB:.0f} MiB; "
                  f"{refused} refused with 503")
            each(uploads, Upload.end)
            if processor.poll() is not None:
                print("the processor ended")
                return 1
            now, peak = memory(processor.pid)
            answers = sorted(str(u.status) for u in uploads)
            print(f"round {i + 1}: all ended: {now / MIB:.0f} MiB, peak {peak / MIB:.0f} MiB; answers "
                  + ", ".join(f"{answers.count(s)} × {s}" for s in sorted(set(answers))))
        return int(memory(processor.pid)[1] > limit)


if __name__ == "__main__":
    raise SystemExit(main())
