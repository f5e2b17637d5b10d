"""A WSGI application that shows which instance of it answered."""

import html
import json
import os
import platform
import signal
import socket
import sys
import threading
import time
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

APPLICATION = json.loads(os.environ.get("VCAP_APPLICATION", "{}"))
INDEX = int(os.environ.get("CF_INSTANCE_INDEX", "0"))
STARTED_AT = time.monotonic()

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>
  :root {{ color-scheme: light dark; font: 17px/1.6 system-ui, sans-serif }}
  body {{ margin: 0; min-height: 100vh; display: grid; place-content: center; background: linear-gradient(160deg, #306998, #1b3a57); color: #fff }}
  main {{ width: min(34rem, 100vw - 3rem) }}
  h1 {{ font-size: 2.6rem; margin: 0; color: #ffd43b }}
  dl {{ display: grid; grid-template-columns: 7rem 1fr; gap: .3rem 1rem }}
  dt {{ opacity: .7 }} dd {{ margin: 0 }}
</style>
<main>
  <h1>Hello from Python</h1>
  <p>This is <strong>{name}</strong>, pushed with <code>cf push</code>.</p>
  <dl>
    <dt>Instance</dt><dd>{index}</dd>
    <dt>Python</dt><dd>{version}</dd>
    <dt>Up for</dt><dd>{uptime} seconds</dd>
    <dt>Path</dt><dd>{path}</dd>
  </dl>
</main>
</html>
"""


def app(environ, start_response):
    path = environ.get("PATH_INFO", "/")
    if path == "/health":
        return respond(start_response, "200 OK", "text/plain", "ok\n")
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return respond(start_response, "405 Method Not Allowed", "text/plain", "Only GET is answered here.\n")
    page = PAGE.format(
        name=html.escape(APPLICATION.get("application_name", "hello-python")),
        index=INDEX,
        version=platform.python_version(),
        uptime=round(time.monotonic() - STARTED_AT),
        path=html.escape(path),
    )
    return respond(start_response, "200 OK", "text/html", page)


def respond(start_response, status, media_type, text):
    body = text.encode()
    start_response(status, [("Content-Type", media_type + "; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = False  # a stop waits for the answers in flight

    def server_bind(self):
        # WSGIServer would ask the name service for this machine's full name, which can take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]
        self.setup_environ()


class Handler(WSGIRequestHandler):
    def log_message(self, template, *arguments):
        print(template % arguments)


def main():
    port = os.environ.get("PORT")
    # The platform says where it reaches the instance; without one the app answers on this machine alone.
    host = os.environ.get("CF_INSTANCE_INTERNAL_IP", "0.0.0.0" if port else "127.0.0.1")
    with make_server(host, int(port or 8000), app, Server, Handler) as server:

        def stop(_signal, _frame):
            print("Told to stop: finishing what is in flight")
            # shutdown() waits for the loop that this handler interrupts, so another thread must call it.
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        print(f"Listening on port {server.server_port}")
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    sys.exit(main())
