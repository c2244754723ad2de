"""A desktop that shows no tray icons, as GNOME without an extension: the user is told once, and the window does the job."""

import sys

import desk
from desk import ok, until
from status_item import Panel


def story():
    panel = Panel(tray=False)
    desk.settle()
    app = desk.desktop("--hidden")
    panel.was_told("This desktop shows no tray icons")
    (window,) = until("the window opens though it was not asked for", desk.windows)
    desk.close(window)
    until("it closes", lambda: not desk.windows())
    app.terminate()
    assert app.wait(15) == 0
    ok("the user is told, and the window opens")

    panel.notices.clear()
    app = desk.desktop()
    until("the window opens", desk.windows)
    app.terminate()
    assert app.wait(15) == 0
    assert not panel.notices, ("told once", panel.notices)
    ok("told once")


if __name__ == "__main__":
    sys.exit(desk.run(story))
