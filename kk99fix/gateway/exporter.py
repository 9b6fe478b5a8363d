"""The port on which Prometheus reads the metrics, on threads of its own."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from kk99fix.gateway.counts import Snapshots
from kk99fix.gateway.listening import ListenError
from kk99fix.gateway.metrics import GatewayCollector

#: A scraper that says nothing for so long is given up.
SCRAPE_TIMEOUT_S: Final = 10
#: How often the exporter looks whether it is to stop.
STOP_LOOK_S: Final = 0.05


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each scrape, so that a slow scraper holds up nobody."""

    daemon_threads = True


class _ServerOverIpv6(_Server):
    address_family = socket.AF_INET6


class _QuietHandler(WSGIRequestHandler):
    """Logs no scrapes."""

    timeout = SCRAPE_TIMEOUT_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as inherited
        """Say nothing."""


@contextmanager
def exporting(snapshots: Snapshots, host: str, port: int) -> Iterator[None]:
    """Serve the metrics on their own port while the block runs; `ListenError`."""
    registry = CollectorRegistry()
    registry.register(GatewayCollector(snapshots))
    server_class = _ServerOverIpv6 if ":" in host else _Server
    try:
        server = make_server(host, port, make_wsgi_app(registry), server_class, _QuietHandler)
    except OSError as error:
        names = "--metrics-port", "metrics_host in venue.toml"
        raise ListenError("metrics", host, port, *names, error) from error
    thread = Thread(target=server.serve_forever, args=(STOP_LOOK_S,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
