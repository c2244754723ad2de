"""`llama-server` over the prebuilt PyPI wheel of llama.cpp: its own server code in this process, behind its own flags.

It takes the flags that Pointsman uses and refuses the others, so that a flag is never thought to work when it does not.
What it has not got is router mode, several models behind one port: `make engine` builds a server that has.
"""

import argparse
import os
import select
import signal
import sys
import threading
import time

import xllamacpp

POOLING = ("none", "mean", "cls", "last", "rank")


def arguments():
    parser = argparse.ArgumentParser("llama-server", allow_abbrev=False, description=__doc__.splitlines()[0])
    flag = parser.add_argument
    flag("--version", action="version", version=f"version: {xllamacpp.__version__} (xllamacpp)")
    flag("-m", "--model", metavar="PATH", required=True, help="the GGUF file to serve")
    flag("-a", "--alias", metavar="NAME", help="names it answers to, by commas; the model's path if not given")
    flag("--host", default="127.0.0.1", help="address to listen on")
    flag("--port", type=int, default=8080, help="port to listen on")
    flag("-c", "--ctx-size", type=int, default=0, metavar="N", help="context in tokens; 0 is the model's own")
    flag("-np", "--parallel", type=int, default=1, metavar="N", help="requests at a time; they share the context")
    # A thread on every core of a busy machine makes each wait for the slowest: one is left for everything else.
    threads = max(1, (os.cpu_count() or 2) - 1)
    flag("-t", "--threads", type=int, default=threads, metavar="N", help="threads that compute")
    flag("--api-key", metavar="KEY", help="keys that a caller must have, by commas")
    flag("--embeddings", "--embedding", action="store_true", help="serve embeddings instead of chat")
    flag("--pooling", choices=POOLING, help="how token embeddings become one")
    flag("--jinja", action="store_true", help="the default here: chat templates are read as Jinja")
    flag("--chat-template-file", metavar="PATH", help="a chat template in place of the model's own")
    flag("--mmproj", metavar="PATH", help="the file that lets the model see")
    flag("--metrics", action="store_true", help="serve /metrics")
    flag("--no-webui", action="store_true", help="serve no page")
    flag("--offline", action="store_true", help="never go to the network")
    return parser.parse_args()


def parameters(args):
    params = xllamacpp.CommonParams()
    params.model.path = args.model
    params.hostnames = [args.host]
    params.port = args.port
    params.n_ctx = args.ctx_size
    params.n_parallel = args.parallel
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = args.threads
    params.use_jinja = True
    params.endpoint_metrics = args.metrics
    params.ui = not args.no_webui
    params.offline = args.offline
    params.warmup = False
    if args.alias:
        params.model_alias = set(args.alias.split(","))
    if args.api_key:
        params.api_keys = args.api_key.split(",")
    if args.embeddings:
        params.embedding = True
    if args.pooling:
        params.pooling_type = getattr(xllamacpp.llama_pooling_type, f"LLAMA_POOLING_TYPE_{args.pooling.upper()}")
    if args.chat_template_file:
        with open(args.chat_template_file, encoding="utf-8") as template:
            params.chat_template = template.read()
    if args.mmproj:
        if hasattr(params, "mmproj"):
            params.mmproj.path = args.mmproj
        else:
            print("llama-server: --mmproj is left out: this engine cannot see", file=sys.stderr)
    return params


def leave_on_signal():
    """Ends the process at SIGTERM or SIGINT, also while llama.cpp is busy and runs no Python.

    Blocked here, before any thread is made, the signals reach nobody but the thread that waits for them.
    """
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    def wait():
        signal.sigwait(signals)
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def leave_with(parent):
    """Ends the process once its parent has ended, so that a gateway that was killed leaves no engine behind.

    Not by PR_SET_PDEATHSIG: that fires when the *thread* that started us ends, in a thread pool at any time.
    """

    def wait():
        if hasattr(os, "pidfd_open"):
            try:
                select.select([os.pidfd_open(parent)], [], [])
            except ProcessLookupError:
                pass
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def main():
    parent = os.getppid()
    args = arguments()
    leave_on_signal()
    leave_with(parent)
    if not os.path.isfile(args.model):
        sys.exit(f"llama-server: {args.model}: no such file")
    try:
        server = xllamacpp.Server(parameters(args))
    except Exception as error:
        sys.exit(f"llama-server: {error}")
    print(f"llama-server: {args.model} on {server.listening_address}", file=sys.stderr, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
