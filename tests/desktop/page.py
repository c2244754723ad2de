"""The window as a person uses it: the real page over the real gateway, real llama.cpp servers and a real keyring."""

import os
import subprocess
import sys

import desk
from desk import chat, ok, snapshot, until
from status_item import Panel
from webdriver import Page


def keyring():
    """A keyring of this world's own, unlocked before anybody asks for one."""
    words = ["gnome-keyring-daemon", "--unlock", "--components=secrets"]
    subprocess.run(words, input=b"desktop\n", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def pick(page, name):
    """Picks from what has come up."""
    until("it can be typed into", lambda: page.script("return document.activeElement?.tagName") == "INPUT")
    page.keys(name)
    until(f"{name} is offered", lambda: name in page.text("[role='listbox']").lower())
    page.keys("\n")


def begins(page, port):
    until("it says that nothing runs", lambda: "Nothing runs here yet" in page.text())
    server = desk.model_server(port, "tiny-one")
    until("it fills as a server starts", lambda: "Found 1 model" in page.text())
    page.press("Use these")
    until("it is in use", lambda: "in use" in page.text())
    ok("the first run shows what is found as it is found")
    return server


def chats(page):
    page.press("Open a chat")
    page.type("[aria-label='Message']", "Say hello")
    page.press("Send")
    answer = "article[aria-label='Answer']"
    until("the answer is whole, and says who gave it", lambda: "tok/s" in page.text(answer))
    said = page.text(answer)
    assert "tiny-one" in said and "This machine" in said, said
    until("it is kept", lambda: len(desk.ask("conversations")["rows"]) == 1)
    (row,) = desk.ask("conversations")["rows"]
    roles = [message["role"] for message in desk.ask("conversation", id=row["id"])["messages"]]
    assert roles == ["user", "assistant"], roles
    ok("a chat streams from the real model and is kept")


def switches(page, port):
    page.press("Models")
    until("the model is listed", lambda: "tiny-one" in page.text("main"))
    server = desk.model_server(port, "tiny-two")
    until("another appears as its server starts", lambda: "tiny-two" in page.text("main"))
    page.press("Routes")
    page.press("Add target")
    pick(page, "tiny-two")
    until("the route has it", lambda: ["tiny-two" in target for target in snapshot()["routes"][0]["targets"]] == [True])
    status, headers = chat()
    assert status == 200 and headers["x-pointsman-target"].endswith("/tiny-two"), headers
    ok("a route is switched in the window, and the next request goes there")

    page.press("Models")
    server.terminate()
    server.wait(10)
    until("it goes as its server dies", lambda: "tiny-two" not in page.text("main"))
    ok("models come and go as their servers do")


def has_a_key(page):
    page.press("Providers")
    page.press("Add provider")
    pick(page, "groq")
    page.type("[aria-label='Key for Groq'], input[type='password']", "gsk-desktop-canary")
    page.press("Add and test")
    credentials = lambda: [point["credential"] for point in snapshot()["endpoints"] if point["id"] == "groq"]  # noqa: E731
    until("the key is in the keyring", lambda: credentials() == ["keychain:groq"])
    # There may be no network: then it says that it was not found out.
    until("what the test proves is told", lambda: any(word in page.text() for word in ("takes the key", "refuses the key", "not found out")))
    assert "gsk-desktop-canary" not in page.script("return document.documentElement.outerHTML"), "the page keeps no key"
    assert "gsk-desktop-canary" not in desk.SETTINGS.read_text(), "the settings hold no key"
    ok("a key goes to the real keyring and is tried")


def tells(page):
    if page.find("[role='dialog']"):
        page.keys("\ue00c")
    page.press("Activity")
    until("the requests are there", lambda: page.text("main").count("tiny-") >= 2)
    ok("activity shows the requests")


def story():
    keyring()
    ports = [desk.free_port(), desk.free_port()]
    desk.settle(ports)
    # With a panel, or a second window comes up to say that there is none.
    panel = Panel()
    app = desk.desktop("--hidden")
    panel.item().shows("● Serving on 127.0.0.1:")
    page = Page()
    try:
        begins(page, ports[0])
        chats(page)
        switches(page, ports[1])
        has_a_key(page)
        tells(page)
    finally:
        if shots := os.environ.get("POINTSMAN_SHOTS"):
            page.screenshot(f"{shots}/page.png")
    page.close()
    app.terminate()
    assert app.wait(15) == 0


if __name__ == "__main__":
    sys.exit(desk.run(story))
