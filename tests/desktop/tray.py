"""The tray over D-Bus, against real llama.cpp servers: each entry does what it says."""

import os
import pathlib
import subprocess
import sys
import time

import desk
from desk import ask, chat, figure, ok, snapshot, until
from status_item import Panel, clipboard

AUTOSTART = pathlib.Path(os.environ["XDG_CONFIG_HOME"]) / "autostart" / "Pointsman.desktop"


def answers(target):
    """Whether that is who answers `default` now, by a real request."""
    status, headers = chat()
    return status == 200 and headers["x-pointsman-target"].endswith(f"/{target}")


def serves(process):
    """Whether this process is the gateway now. While one takes over from another there is none."""
    try:
        return snapshot()["process"] == process.pid
    except (OSError, ValueError):
        return False


def models_in(shown):
    return [model["id"] for model in shown["models"]]


def within_300_ms(tray, change, text):
    """How long after a snapshot has it the menu has it too, in milliseconds."""
    control = desk.Control()
    control.say("watch")
    change()
    while text not in models_in(control.reply()):
        pass
    begun = time.monotonic()
    until(f"the menu has {text}", lambda: tray.find("default", text))
    return (time.monotonic() - begun) * 1000


def starts_and_finds(panel, ports):
    app = desk.desktop("--hidden")
    tray = panel.item()
    icon = tray.properties()
    assert icon["Status"] == "Active", icon
    assert pathlib.Path(icon["IconName"]).stat().st_size > 100, "the icon has a picture"
    tray.shows("● Serving on 127.0.0.1:")
    expected = ["Nothing is loaded", "Local only", "Copy", "Base URL", "Key for a new tool", "Open Pointsman", "New chat"]
    texts = [text.strip() for text in tray.texts()]
    missing = [text for text in [*expected, "Pause serving", "Start at login", "Quit"] if text not in texts]
    assert not missing, (missing, texts)
    assert not desk.windows(), "no window before it is asked for"
    ok("the icon is up, the menu is whole, no window is there")
    mapped = pathlib.Path(f"/proc/{app.pid}/maps").read_text()
    assert "webkit" not in mapped.lower(), "the tray's process has no web view in it, not even linked"
    ok("the tray's process holds no web view")

    took = within_300_ms(tray, lambda: desk.model_server(ports[0], "tiny-one"), "tiny-one")
    figure("menu after a change of the catalog", took, "ms", 300)
    assert took <= 300
    tray.shows("default  →  tiny-one")
    second = desk.model_server(ports[1], "tiny-two")
    tray.shows("default", "tiny-two")
    panel.was_told("appeared with 1 model")
    ok("models appear as real servers start, and the user is told")
    return app, tray, second


def chooses(panel, tray):
    for name in ("tiny-two", "tiny-one"):
        tray.click("default", name)
        until(f"{name} answers", lambda: answers(name))
        tray.shows(f"default  →  {name}")
        until(f"{name} is marked", lambda: tray.is_marked("default", name))
        other = "tiny-one" if name == "tiny-two" else "tiny-two"
        assert not tray.is_marked("default", other), "one is marked"
        panel.was_told(f"{name}: answers `default`")
    tray.click("default", "tiny-one")
    until("it is still marked", lambda: tray.is_marked("default", "tiny-one"))
    recent = [path[1] for path, _, _ in tray.entries() if path[0].startswith("default") and len(path) == 2][:2]
    assert [text.split(" ")[0] for text in recent] == ["tiny-one", "tiny-two"], ("recent choices are first", recent)
    ok("choosing a model changes what answers the next request")


def switches(tray):
    tray.click("Local only")
    until("local-only mode is on", lambda: snapshot()["local_only"])
    until("it is marked", lambda: tray.is_marked("Local only"))
    tray.click("Local only")
    until("local-only mode is off", lambda: not snapshot()["local_only"])
    until("it is not marked", lambda: not tray.is_marked("Local only"))
    ok("Local only")

    tray.click("Start at login")
    until("it is marked", lambda: tray.is_marked("Start at login"))
    # The mark is GTK's own at first: what it stands for is done a moment later.
    until("at login no window opens", lambda: AUTOSTART.exists() and "--hidden" in AUTOSTART.read_text())
    tray.click("Start at login")
    until("it is not marked", lambda: not tray.is_marked("Start at login"))
    until("nothing starts at login", lambda: not AUTOSTART.exists())
    ok("Start at login")

    tray.click("Pause serving")
    until("requests are refused", lambda: chat()[0] == 503)
    tray.shows("Ⅱ Paused")
    until("it is marked", lambda: tray.is_marked("Pause serving"))
    tray.click("Pause serving")
    until("requests are answered", lambda: chat()[0] == 200)
    ok("Pause serving")


def copies(panel, tray):
    tray.click("Copy", "Base URL")
    address = snapshot()["addresses"][0]
    until("the base URL is copied", lambda: clipboard() == f"http://{address}/v1")
    tray.click("Copy", "Key for a new tool")
    panel.was_told("It is called `tool-1`")
    key = until("the key is copied", lambda: clipboard() if "http" not in clipboard() else None)
    assert [known["name"] for known in snapshot()["client_keys"]] == ["tool-1"]
    assert chat(key=key)[0] == 200
    ok("Copy")


def opens_windows(app, tray):
    before = desk.resident([app.pid])
    begun = time.monotonic()
    tray.click("Open Pointsman")
    (window,) = until("a window", desk.windows)
    figure("window seen after", time.monotonic() - begun, "s", 1)
    if (desk.ROOT / "ui" / "package.json").exists():
        until("the page listens", lambda: "the page listens" in desk.LOG.read_text())
        figure("window of use after", time.monotonic() - begun, "s", 1)
    tray.click("New chat")
    again = subprocess.run([desk.PROGRAMS / "pointsman-desktop"], timeout=20, check=False, stderr=subprocess.DEVNULL)
    assert again.returncode == 0, "a second start hands over and ends well"
    hidden = [desk.PROGRAMS / "pointsman-desktop", "--hidden"]
    assert subprocess.run(hidden, timeout=20, check=False, stderr=subprocess.DEVNULL).returncode == 0
    assert desk.windows() == [window], "there is one window, whoever asks"
    desk.close(window)
    until("the window and its processes are gone", lambda: desk.family(app.pid) == [app.pid])
    after = desk.resident([app.pid])
    assert after < before + 8, f"closing the window gives its memory back: {before:.0f} MB before, {after:.0f} MB after"

    for words in ([], ["--window-is-not-asked-for"]):
        subprocess.run([desk.PROGRAMS / "pointsman-desktop", *words], timeout=20, check=False, stderr=subprocess.DEVNULL)
    until("a second start opens the window", desk.windows)
    child = until("the window's process", lambda: [p for p in desk.family(app.pid) if p != app.pid])[0]
    os.kill(child, 9)
    until("it is gone", lambda: desk.family(app.pid) == [app.pid])
    assert app.poll() is None and chat()[0] == 200, "a window that dies takes nothing with it"
    tray.click("Open Pointsman")
    (window,) = until("the window can be opened again", desk.windows)
    desk.close(window)
    until("the window and its processes are gone", lambda: desk.family(app.pid) == [app.pid])
    ok("the window opens once, closes, dies, and opens again")


def is_quiet(app):
    begun = desk.ticks(app.pid)
    deadline = time.monotonic() + 10
    until("ten seconds pass", lambda: time.monotonic() > deadline)
    figure("idle CPU", (desk.ticks(app.pid) - begun) * 10, "% of a core", 0.5)
    figure("idle memory", desk.resident([app.pid]), "MB resident", 80)
    memory = pathlib.Path(f"/proc/{app.pid}/smaps_rollup").read_text()
    own = sum(int(line.split()[1]) for line in memory.splitlines() if line.startswith("Private_")) / 1000
    print(f"      of which its own: {own:.4g} MB", flush=True)


def follows_what_dies(panel, tray, server):
    server.kill()
    until("the model leaves the menu", lambda: not tray.find("default", "tiny-two"))
    panel.was_told("is gone")
    ok("a server that dies leaves the menu, and the user is told")


def quits(app, tray):
    tray.click("Quit")
    assert app.wait(15) == 0
    ok("Quit ends it with 0")


def is_ended_by_a_signal(panel):
    panel.items.clear()
    app = desk.desktop("--hidden")
    tray = panel.item()
    tray.shows("● Serving")
    tray.click("Open Pointsman")
    until("a window", desk.windows)
    app.terminate()
    assert app.wait(15) == 0
    until("the window goes with it", lambda: not desk.windows())
    ok("SIGTERM ends it with 0, and the window with it")


def shows_a_gateway_that_runs_already(panel):
    panel.items.clear()
    serving = desk.start(desk.PROGRAMS / "pointsman", "serve")
    until("a gateway serves", desk.CONTROL.exists)
    app = desk.desktop("--hidden")
    tray = panel.item()
    tray.shows("● Serving")
    tray.click("Local only")
    until("local-only mode is on", lambda: snapshot()["local_only"])
    assert snapshot()["process"] == serving.pid
    serving.terminate()
    until("it takes over", lambda: serves(app), 30)
    tray.shows("● Serving")
    tray.click("Local only")
    until("local-only mode is off", lambda: not snapshot()["local_only"])
    tray.click("Quit")
    assert app.wait(15) == 0
    ok("it shows a gateway that runs already, and serves when that stops")


def says_why_it_cannot_serve(panel):
    panel.items.clear()
    with desk.socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        text = desk.SETTINGS.read_text()
        desk.SETTINGS.write_text(text.replace("port = 0", f"port = {taken.getsockname()[1]}"))
        app = desk.desktop("--hidden")
        tray = panel.item()
        tray.shows("▲ Not serving")
        tray.shows(f"port {taken.getsockname()[1]} is taken by")
    desk.SETTINGS.write_text(text)
    until("it serves as soon as it can", lambda: tray.find("● Serving"), 30)
    tray.click("Quit")
    assert app.wait(15) == 0
    ok("a port that is taken is told, and tried again")


def serves_without_a_display():
    env = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    app = desk.desktop(env=env)
    until("a gateway serves", desk.CONTROL.exists)
    until("the model answers", lambda: chat("tiny-one")[0] == 200)
    app.terminate()
    assert app.wait(15) == 0
    ok("without a display it serves all the same")


def story():
    panel = Panel()
    ports = [desk.free_port(), desk.free_port()]
    desk.settle(ports)
    app, tray, second = starts_and_finds(panel, ports)
    chooses(panel, tray)
    switches(tray)
    copies(panel, tray)
    opens_windows(app, tray)
    is_quiet(app)
    follows_what_dies(panel, tray, second)
    quits(app, tray)
    is_ended_by_a_signal(panel)
    shows_a_gateway_that_runs_already(panel)
    says_why_it_cannot_serve(panel)
    serves_without_a_display()


if __name__ == "__main__":
    sys.exit(desk.run(story))
