"""A world of its own for a desktop test: X server, session bus, home. Nothing of the user's is seen or touched.

`python3 world.py SCRIPT ARGUMENTS...` runs a Python script in it. Wants xvfb, dbus and openbox.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FOLDERS = {
    "XDG_CONFIG_HOME": "home/.config",
    "XDG_DATA_HOME": "home/.local/share",
    "XDG_CACHE_HOME": "home/.cache",
    "XDG_RUNTIME_DIR": "run",
}


def main() -> int:
    root = pathlib.Path(tempfile.mkdtemp(prefix="pointsman-desktop-"))
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG") or name.startswith("POINTSMAN_")}
    env = kept | {"HOME": str(root / "home"), "NO_AT_BRIDGE": "1", "LIBGL_ALWAYS_SOFTWARE": "1", "GDK_BACKEND": "x11"}
    env |= {name: str(root / folder) for name, folder in FOLDERS.items()}
    for name in ("HOME", *FOLDERS):
        os.makedirs(env[name], mode=0o700, exist_ok=True)
    read, write = os.pipe()
    # It takes a free number and says which.
    screen = ["-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    xvfb = subprocess.Popen(["Xvfb", "-displayfd", str(write), *screen], pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        env["DISPLAY"] = ":" + os.read(read, 16).decode().strip()
        # What the bus starts inherits the folders, so they are set before it runs.
        command = ["dbus-run-session", "--", "/usr/bin/python3", *sys.argv[1:]]
        return subprocess.run(command, env=env, timeout=300, check=False).returncode
    finally:
        xvfb.terminate()
        xvfb.wait()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
