"""The window by WebDriver: WebKit's own driver starts the program and looks into its page. Only what the tests need."""

import base64
import json
import os
import urllib.request

import desk


class Page:
    """A window with its page."""

    def __init__(self, *words):
        port = desk.free_port()
        # With these the program lets itself be driven.
        env = dict(os.environ, TAURI_AUTOMATION="true", TAURI_WEBVIEW_AUTOMATION="true")
        desk.start("WebKitWebDriver", f"--port={port}", env=env, log=desk.LOG)
        self.driver = f"http://127.0.0.1:{port}"
        desk.until("the driver listens", lambda: self._is_there())
        program = {"binary": str(desk.PROGRAMS / "pointsman-window"), "args": list(words)}
        wanted = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": program}}}
        made = self._ask("POST", "/session", wanted)
        self.session = f"/session/{made['sessionId']}"

    def _is_there(self):
        try:
            return self._ask("GET", "/status")
        except OSError:
            return None

    def _ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.driver + path, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {json.load(error)['value']['message']}") from None

    def script(self, text, *arguments):
        """What a function's body gives."""
        return self._ask("POST", f"{self.session}/execute/sync", {"script": text, "args": list(arguments)})

    def later(self, text, *arguments):
        """What the body of an async function gives in the end; what it throws comes as `{"error": ...}`."""
        wrapped = (
            "const done = arguments[arguments.length - 1]; const given = Array.from(arguments).slice(0, -1);"
            f"(async (...given) => {{ {text} }})(...given)"
            ".then(done, (error) => done({ error: String(error?.message ?? error) }))"
        )
        return self._ask("POST", f"{self.session}/execute/async", {"script": wrapped, "args": list(arguments)})

    def invoke(self, command, /, **arguments):
        """Calls a command as the page would."""
        return self.later("return await window.__TAURI_INTERNALS__.invoke(given[0], given[1])", command, arguments)

    def find(self, css):
        return self._ask("POST", f"{self.session}/elements", {"using": "css selector", "value": css})

    def text(self, css="body"):
        return self.script("return document.querySelector(arguments[0])?.innerText ?? ''", css)

    def click(self, css):
        (element, *_) = desk.until(f"there is {css}", lambda: self.find(css))
        self._ask("POST", f"{self.session}/element/{next(iter(element.values()))}/click", {})

    def press(self, name):
        """Clicks what has this name for a person, once it can be."""
        named = f"(normalize-space(.)='{name}' or @aria-label='{name}')"
        path = f"//*[self::button or self::a or @role='button' or @role='menuitem'][{named}][not(@disabled)]"
        (element, *_) = desk.until(f"there is “{name}”", lambda: self._named(path))
        self._ask("POST", f"{self.session}/element/{next(iter(element.values()))}/click", {})

    def _named(self, path):
        return self._ask("POST", f"{self.session}/elements", {"using": "xpath", "value": path})

    def keys(self, text):
        """Types where the focus is; a line's end is the Enter key."""
        element = self._ask("GET", f"{self.session}/element/active")
        where = f"{self.session}/element/{next(iter(element.values()))}/value"
        self._ask("POST", where, {"text": text.replace("\n", "\ue007")})

    def type(self, css, text):
        (element, *_) = desk.until(f"there is {css}", lambda: self.find(css))
        self._ask("POST", f"{self.session}/element/{next(iter(element.values()))}/value", {"text": text})

    def screenshot(self, file):
        with open(file, "wb") as picture:
            picture.write(base64.b64decode(self._ask("GET", f"{self.session}/screenshot")))

    def close(self):
        self._ask("DELETE", self.session)
