"""What a purpose brings: test/support.py."""
from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path
from typing import Any, AsyncIterator

from runner.cases import CannotRun, Message


class Support:
    """test/support.py, if there is one. It may define

    prepare(message, data)  returns the message as it is sent; data is request.prepare of the case
    services(folder)        an asynchronous context manager that runs what the extension depends on, and gives the
                            environment variables with which the processor and Envoy find it; what these are told of
                            events they write to files folder/*.events
    """

    def __init__(self, path: Path) -> None:
        self.module: Any = None
        if path.exists():
            spec = importlib.util.spec_from_file_location("support", path)
            assert spec and spec.loader
            self.module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(self.module)

    def prepared(self, message: Message) -> Message:
        if message.prepare is None:
            return message
        if not hasattr(self.module, "prepare"):
            raise CannotRun("a case has request.prepare, but there is no prepare() in test/support.py")
        return self.module.prepare(message, message.prepare)

    @contextlib.asynccontextmanager
    async def services(self, folder: Path) -> AsyncIterator[dict[str, str]]:
        if hasattr(self.module, "services"):
            async with self.module.services(folder) as environment:
                yield environment
        else:
            yield {}
