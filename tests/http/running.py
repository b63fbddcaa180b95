"""The real server in a thread of its own."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import msgspec
import uvicorn
from litestar import Litestar
from litestar.handlers import BaseRouteHandler

from routes.http.connections import PhoneConnection
from service.app import Composition, create_app
from tests.http.described import refuse_undescribed

START_S = 20


class Running(msgspec.Struct, frozen=True):
    """A running service: its HTTP address, and its inside."""

    http: httpx.Client
    app: Litestar
    composition: Composition
    loop: asyncio.AbstractEventLoop


@contextmanager
def run_service(composition: Composition, *handlers: BaseRouteHandler) -> Iterator[Running]:
    """Serve on a free port of the loopback until the block ends, with `handlers` beside the program's own."""
    app = create_app(composition)
    for each in handlers:
        app.register(each)
    listening = listen()
    server = uvicorn.Server(uvicorn.Config(app, http=PhoneConnection, log_config=None, access_log=False))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(server.serve(sockets=[listening]),))
    thread.start()
    _wait_until_started(server, thread)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        hooks = {"response": [refuse_undescribed]}
        with httpx.Client(base_url=url, timeout=30, event_hooks=hooks) as http:
            yield Running(http, app, composition, loop)
    finally:
        server.should_exit = True
        thread.join(START_S)
        loop.close()
        listening.close()


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    waited = threading.Event()
    for _ in range(START_S * 100):
        if server.started or not thread.is_alive():
            break
        waited.wait(0.01)
    assert server.started, "the service did not start"


def listen() -> socket.socket:
    """Return a listener on a free port of the loopback.

    Named as TCP, which `socket.create_server` does not: asyncio sends small packets at once only then.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening
