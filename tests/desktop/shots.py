"""Pictures of the tray in a real panel and of the window, for a person to look at. By hand: no test needs them.

usage: POINTSMAN_SHOTS=FOLDER python3 world.py shots.py    (wants xfce4-panel, xdotool and imagemagick besides)
"""

import os
import pathlib
import re
import subprocess
import sys

import desk
from desk import ok, until

FOLDER = pathlib.Path(os.environ.get("POINTSMAN_SHOTS", "/tmp/pointsman-shots"))

PANEL = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
 <property name="configver" type="int" value="2"/>
 <property name="panels" type="array"><value type="int" value="1"/>
  <property name="dark-mode" type="bool" value="{dark}"/>
  <property name="panel-1" type="empty">
   <property name="position" type="string" value="p=6;x=0;y=0"/>
   <property name="length" type="uint" value="100"/>
   <property name="position-locked" type="bool" value="true"/>
   <property name="size" type="uint" value="28"/>
   <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
  </property></property>
 <property name="plugins" type="empty"><property name="plugin-1" type="string" value="systray"/></property>
</channel>"""


def panel(dark):
    folder = pathlib.Path(os.environ["XDG_CONFIG_HOME"]) / "xfce4" / "xfconf" / "xfce-perchannel-xml"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "xfce4-panel.xml").write_text(PANEL.format(dark=str(dark).lower()))
    desk.start("xfce4-panel", "--disable-wm-check")


def icon():
    """Where the panel drew it."""
    tree = subprocess.run(["xwininfo", "-root", "-tree"], capture_output=True, text=True, check=False).stdout
    for found in re.finditer(r'"wrapper-2\.0".*?(\d+)x(\d+)\+\S+\s+\+(\d+)\+(\d+)', tree):
        width, height, x, y = map(int, found.groups())
        if width > 10:
            return x + width // 2, y + height // 2
    return None


def press(*words):
    subprocess.run(["xdotool", *map(str, words)], check=True)


def rest(seconds):
    subprocess.run(["sleep", str(seconds)], check=True)


def shot(name):
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(["import", "-window", "root", FOLDER / f"{name}.png"], check=True)
    ok(f"{FOLDER}/{name}.png")


def story():
    ports = [desk.free_port(), desk.free_port()]
    desk.settle(ports)
    panel(dark="light" not in sys.argv[1:])
    for port, name in zip(ports, ("qwen3-8b", "smollm2")):
        desk.model_server(port, name)
    app = desk.desktop("--hidden")
    until("the models are there", lambda: desk.CONTROL.exists() and len(desk.snapshot()["models"]) == 2)
    x, y = until("the icon is drawn", icon)
    rest(2)
    shot("tray-icon")
    press("mousemove", x, y, "click", 1)
    rest(1)
    shot("tray-menu")
    press("key", "Down", "Right")
    rest(1)
    shot("tray-route")
    press("key", "Escape", "Escape", "Escape")
    desk.ask("set_local_only", on=True)
    rest(1)
    shot("tray-local-only")
    desk.start(desk.PROGRAMS / "pointsman-desktop")
    until("the window", desk.windows)
    rest(5)
    shot("window")
    app.terminate()
    app.wait(15)


if __name__ == "__main__":
    sys.exit(desk.run(story))
