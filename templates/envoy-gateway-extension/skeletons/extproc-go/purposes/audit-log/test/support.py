"""Stands for an OpenTelemetry collector beside the cases, where the settings send events to one.

It takes logs by OTLP over HTTP, and writes each as a line of JSON with its event's name and its attributes.
"""
from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, AsyncIterator

from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

ROOT = Path(__file__).resolve().parent.parent


@contextlib.asynccontextmanager
async def services(folder: Path) -> AsyncIterator[dict[str, str]]:
    if json.loads((ROOT / "k8s/settings.json").read_text(encoding="utf-8"))["output"] != "otlp":
        yield {}
        return
    received = folder / "collector.events"
    received.touch()

    async def receive(request: web.Request) -> web.Response:
        message = ExportLogsServiceRequest.FromString(await request.read())
        with received.open("a", encoding="utf-8") as file:
            for record in (r for resource in message.resource_logs for scope in resource.scope_logs for r in scope.log_records):
                file.write(json.dumps({"event": record.event_name, **attributes(record)}) + "\n")
        return web.Response(body=ExportLogsServiceResponse().SerializeToString(), content_type="application/x-protobuf")

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/logs", receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{runner.addresses[0][1]}"}
    finally:
        await runner.cleanup()


def attributes(record: Any) -> dict[str, Any]:
    return {attribute.key: value_of(attribute.value) for attribute in record.attributes}


def value_of(value: Any) -> Any:
    if value.HasField("array_value"):
        return [value_of(item) for item in value.array_value.values]
    return value.int_value if value.HasField("int_value") else value.string_value
