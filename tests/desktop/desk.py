"""What the desktop tests share: the programs under test, a real runtime, the control socket, and waiting."""

import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.request

import gi

gi.require_version("Gio", "2.0")
from gi.repository import GLib  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ["POINTSMAN_PROGRAMS"])
PARTS = pathlib.Path(os.environ["POINTSMAN_TEST_PARTS"])
SETTINGS = pathlib.Path(os.environ["XDG_CONFIG_HOME"]) / "pointsman" / "settings.toml"
CONTROL = pathlib.Path(os.environ["XDG_RUNTIME_DIR"]) / "pointsman" / "control.sock"
LOG = pathlib.Path(os.environ["HOME"]) / "desktop.log"

_context = GLib.MainContext.default()
_started: list[subprocess.Popen] = []


def until(what, condition, seconds=20.0):
    """Waits for a condition while the bus is listened to, and gives what it gave."""
    end = time.monotonic() + seconds
    while True:
        while _context.iteration(False):
            pass
        if found := condition():
            return found
        if time.monotonic() > end:
            raise AssertionError(f"in {seconds:.0f} s it never came to this: {what}")
        # Wakes by itself after a moment, since not all that is waited for is on the bus.
        GLib.timeout_add(10, lambda: False)
        _context.iteration(True)


def start(*command, env=None, log=None):
    """A program that is ended with the test."""
    out = open(log, "ab") if log else subprocess.DEVNULL
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env)
    _started.append(program)
    return program


def end_all():
    for program in reversed(_started):
        if program.poll() is None:
            program.terminate()
    for program in _started:
        try:
            program.wait(5)
        except subprocess.TimeoutExpired:
            program.kill()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settle(ports=()):
    """Settings that keep the test to itself: a free port, and no runtime but its own."""
    SETTINGS.parent.mkdir(parents=True, exist_ok=True)
    SETTINGS.write_text(
        "port = 0\n[builtin]\nenabled = 'off'\n[discovery]\ndefault_ports = false\nprocesses = false\n"
        f"ports = {list(ports)}\n"
    )


def desktop(*words, env=None):
    return start(PROGRAMS / "pointsman-desktop", *words, env=env, log=LOG)


def model_server(port, name):
    """A real llama.cpp server with a small model of chance."""
    server = PARTS / "engine" / "bin" / "llama-server"
    model = PARTS / "parts" / "tiny.gguf"
    words = ["--model", model, "--alias", name, "--host", "127.0.0.1", "--port", str(port), "-c", "4096"]
    return start(server, *words, "--threads", "1")


class Control:
    """The control socket: one line, one reply; or snapshots without end."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(CONTROL))
        self.lines = self.socket.makefile("rb")

    def say(self, command, **fields):
        self.socket.sendall(json.dumps({"command": command, **fields}).encode() + b"\n")

    def reply(self):
        return json.loads(self.lines.readline())


def ask(command, **fields):
    control = Control()
    control.say(command, **fields)
    return control.reply()


def snapshot():
    return ask("snapshot")


def chat(model="default", key=None):
    """Asks a real question over the port: the status and the headers."""
    address = snapshot()["addresses"][0]
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}
    request = urllib.request.Request(f"http://{address}/v1/chat/completions", json.dumps(body).encode())
    request.add_header("content-type", "application/json")
    if key:
        request.add_header("authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, dict(response.headers)
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers)


def family(process):
    """A process and all below it."""
    children = {}
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                # The name may have spaces and brackets; the parent is the second word after it.
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found, waiting = [], [process]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def resident(processes):
    """Megabytes held by processes."""
    pages = 0
    for process in processes:
        try:
            pages += int(pathlib.Path(f"/proc/{process}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def ticks(process):
    """Seconds of a core that a process has used."""
    words = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def windows():
    listed = subprocess.run(["wmctrl", "-l"], capture_output=True, text=True, check=False).stdout
    return [line.split()[0] for line in listed.splitlines() if line.endswith(" Pointsman")]


def close(window):
    subprocess.run(["wmctrl", "-i", "-c", window], check=True)


def run(story):
    """Tells a story of checks; 0 where each holds."""
    try:
        start("openbox")
        story()
    except Exception as error:  # noqa: BLE001
        print(f"FAILED: {error!r}", flush=True)
        if LOG.exists():
            print(LOG.read_text()[-8000:], flush=True)
        return 1
    finally:
        end_all()
    return 0


def ok(what):
    print(f"ok    {what}", flush=True)


def figure(what, value, unit, aim):
    met = "met" if value <= aim else "MISSED"
    print(f"      {what}: {value:.4g} {unit} (aim: at most {aim:g}; {met})", flush=True)
