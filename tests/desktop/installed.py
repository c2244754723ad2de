"""What a package installed: the tray shows, the engine that came with it answers, the window opens."""

import os
import pathlib
import subprocess
import sys

import desk
from desk import ok, until
from status_item import Panel


def story():
    panel = Panel()
    desk.settle()
    settings = desk.SETTINGS.read_text().replace("enabled = 'off'", "enabled = 'on'")
    desk.SETTINGS.write_text(settings)
    models = pathlib.Path(os.environ["XDG_DATA_HOME"]) / "pointsman" / "models"
    models.mkdir(parents=True)
    (models / "tiny.gguf").symlink_to(desk.PARTS / "parts" / "tiny.gguf")
    app = desk.desktop("--hidden")
    tray = panel.item()
    tray.shows("default  →  tiny")
    ok("the tray shows the model that lies on the disk")

    asked = ["/usr/bin/pointsman", "chat", "hi"]
    answer = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 0 and answer.stdout.strip(), answer
    ok("the engine of the package answers")

    tray.click("Open Pointsman")
    until("the window opens", desk.windows)
    tray.click("Quit")
    assert app.wait(15) == 0
    until("all of it ends", lambda: not desk.windows())
    ok("the window opens, and all of it ends")


if __name__ == "__main__":
    sys.exit(desk.run(story))
