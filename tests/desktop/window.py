"""The real window by WebDriver: what its page may ask, what it is told, and what it may not do."""

import os
import sys
import time

import desk
from desk import ask, ok, snapshot, until
from status_item import Panel
from webdriver import Page

# As the page's own library does it, so that the page that is tested need not be any special one.
HEAR = """
window.heard ??= {};
const [event] = given;
window.heard[event] = [];
const handler = window.__TAURI_INTERNALS__.transformCallback((message) => window.heard[event].push(message.payload));
return await window.__TAURI_INTERNALS__.invoke('plugin:event|listen', { event, target: { kind: 'Any' }, handler });
"""
CHAT = """
window.told = [];
const id = window.__TAURI_INTERNALS__.transformCallback((message) => {
  if ('message' in message) window.told[message.index] = message.message;
});
return await window.__TAURI_INTERNALS__.invoke('chat', { request: given[0], channel: `__CHANNEL__:${id}` });
"""


def heard(page, event):
    return page.script("return window.heard[arguments[0]]", event)


def refused(answer, part=""):
    assert isinstance(answer, dict) and part in answer.get("error", ""), answer


def asks(page, name):
    reply = page.invoke("ask", command={"command": "snapshot"})
    assert reply["reply"] == "snapshot" and reply["models"][0]["id"] == name, reply
    reply = page.invoke("ask", command={"command": "set_local_only", "on": True})
    assert reply == {"reply": "done"}, reply
    assert snapshot()["local_only"]
    refused(page.invoke("ask", command={"command": "remove_route", "name": "nobody"}), "no route `nobody`")
    ok("the page asks the gateway, and a failure is an error")


def may_not(page):
    refused(page.invoke("ask", command={"command": "stop"}), "does not stop the gateway")
    refused(page.invoke("ask", command={"command": "watch"}))
    refused(page.invoke("ask", command={"command": "make_tea"}))
    refused(page.invoke("open", what={"url": "http://127.0.0.1:1/"}), "only https is")
    refused(page.invoke("open", what={"url": "file:///etc/passwd"}), "only https is")
    refused(page.invoke("open", what="/etc"))
    for command in ("plugin:opener|open_path", "plugin:fs|read_file", "plugin:dialog|open", "plugin:window|create",
                    "plugin:webview|create_webview", "plugin:autostart|enable", "plugin:event|emit"):
        refused(page.invoke(command, path="/etc/passwd"))
    ok("no other command can be called")

    address = snapshot()["addresses"][0]
    fetched = page.later("return await (await fetch(given[0])).text()", f"http://{address}/v1/models")
    refused(fetched)
    refused(page.later("return eval('1 + 1')"))
    refused(page.later("return new Function('return 1')()"))
    before = page.script("return location.href")
    page.script("location.href = arguments[0]", f"http://{address}/v1/models")
    page.script("window.open(arguments[0])", f"http://{address}/v1/models")
    assert page.script("return location.href") == before, "the window goes nowhere else"
    assert desk.windows().__len__() == 1
    ok("nothing is fetched, run from text, or gone to")


def is_told(page):
    page.later(HEAR, "snapshot")
    page.later(HEAR, "view")
    page.invoke("watch")
    until("the first snapshot", lambda: heard(page, "snapshot"))
    if page.find("#placeholder"):
        # A page of ours was shown it when it began to listen.
        until("the view that was asked for", lambda: heard(page, "view") == ["models:default"])
    ask("set_local_only", on=False)
    until("a change is told", lambda: heard(page, "snapshot")[-1]["local_only"] is False)
    ok("the page is told what to show and what changes")


def chats(page, name):
    question = {"id": "one", "model": "default", "messages": [{"role": "user", "text": "hi", "images": []}]}
    page.later(CHAT, question)
    until("the answer is whole", lambda: page.script("return window.told.at(-1)?.type") == "done")
    head, *middle, done = page.script("return window.told")
    assert head["type"] == "head" and head["target"].endswith(f"/{name}") and head["local"], head
    assert "".join(piece["text"] for piece in middle if piece["type"] == "text"), middle
    assert done["output_tokens"] > 0 and done["first_token_ms"] > 0 and done["total_ms"] > 0, done

    page.later(CHAT, question | {"id": "two", "model": "nobody"})
    assert page.script("return window.told.at(-1).type") == "error"
    ok("a chat streams from the real model, and an error is told")

    begin = CHAT.replace("return await", "window.chatting =")
    words = [{"role": "user", "text": "count " * 20000, "images": []}]
    page.later(begin, question | {"id": "three", "messages": words})
    page.invoke("stop_chat", id="three")
    until("it ends", lambda: page.script("return window.told.at(-1)?.finish") == "stopped")
    until("the gateway gives it up", lambda: snapshot()["open_streams"] == 0)
    ok("a chat can be stopped")


def copies(page):
    page.script(
        "const button = document.createElement('button'); button.id = 'copies'; button.textContent = 'copy';"
        "button.style.cssText = 'position:fixed;top:0;left:0;z-index:9999';"
        "button.onclick = () => navigator.clipboard.writeText('copied').then("
        "() => { window.copied = 'yes'; }, (error) => { window.copied = String(error); });"
        "document.body.append(button)"
    )
    page.click("#copies")
    done = until("the page copies", lambda: page.script("return window.copied"))
    page.script("document.querySelector('#copies').remove()")
    assert done == "yes", done
    ok("the page copies to the clipboard")


def outlives_the_gateway(page, app):
    page.later(HEAR, "gone")
    app.terminate()
    assert app.wait(15) == 0
    until("the page is told", lambda: heard(page, "gone"))
    assert "not running" in heard(page, "gone")[0], heard(page, "gone")
    count = len(heard(page, "snapshot"))
    app = desk.desktop("--hidden")
    until("it is told when the gateway is back", lambda: len(heard(page, "snapshot")) > count)
    assert len(heard(page, "gone")) == 1, "told once"
    ok("a gateway that goes and comes back is told")
    return app


def story():
    panel = Panel()
    port = desk.free_port()
    desk.settle([port])
    desk.model_server(port, "tiny-one")
    app = desk.desktop("--hidden")
    panel.item().shows("default  →  tiny-one")
    begun = time.monotonic()
    page = Page("models:default")
    print(f"      window by WebDriver after {(time.monotonic() - begun) * 1000:.0f} ms", flush=True)
    if shots := os.environ.get("POINTSMAN_SHOTS"):
        time.sleep(2)
        page.screenshot(f"{shots}/window.png")
    is_told(page)
    asks(page, "tiny-one")
    may_not(page)
    ask("set_local_only", on=False)
    chats(page, "tiny-one")
    copies(page)
    app = outlives_the_gateway(page, app)
    page.close()
    app.terminate()
    assert app.wait(15) == 0


if __name__ == "__main__":
    sys.exit(desk.run(story))
