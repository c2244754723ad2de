#!/usr/bin/env python3
"""A llama-server of few words. Files beside it say how it behaves; what it was started with, it writes down."""

import http.server
import json
import os
import sys

folder = os.path.dirname(os.path.abspath(__file__))


def flag(name):
    return sys.argv[sys.argv.index(name) + 1]


def is_there(name):
    return os.path.exists(os.path.join(folder, name))


def fall(line, status):
    print("loading\n" + line + "\ncleaning up", file=sys.stderr, flush=True)
    os._exit(status)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            fall("GGML_ASSERT(n_tokens > 0) failed", 3)
        if self.path == "/props":
            settings = {"n_ctx": 1234}
            body = {"default_generation_settings": settings, "build_info": "b1-fake", "model_path": flag("--model")}
        else:
            body = {"key": self.headers.get("Authorization")}
        body = json.dumps(body).encode()
        self.send_response(503 if is_there("hold") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


alias = flag("--alias")
with open(os.path.join(folder, "starts"), "a", encoding="utf-8") as starts:
    starts.write(json.dumps({"alias": alias, "process": os.getpid(), "environment": dict(os.environ)}) + "\n")
if is_there("fail-" + alias):
    fall("error: this model is broken", 1)
if is_there("bind"):
    os.remove(os.path.join(folder, "bind"))
    fall("couldn't bind HTTP server socket, hostname: 127.0.0.1, port: " + flag("--port"), 1)
http.server.ThreadingHTTPServer(("127.0.0.1", int(flag("--port"))), Handler).serve_forever()
