"""Keeps what one call of one SDK sent: the request that the call is about, as a fixture."""

import importlib.metadata
import itertools
import json
import re
import urllib.parse

import fixture

# Requests for a token, or on the way to one. They belong to a call of their own.
TOKENS = re.compile(r"/(token|v1/token|v1/oauthtoken)(\?|$)|:generateAccessToken$|well-known|/discovery/instance|/identity/")
# A fake of every kind of key: what a fixture shows says which went where.
KEY = "fake-key"


class Tape:
    def __init__(self, wire, wanted):
        self.wire = wire
        self.wanted = wanted
        self.taken = []
        self.failed = []
        self.unread = []

    def of(self, provider, sdk, **also):
        """What takes the calls of one SDK to one provider."""
        said = {"provider": provider, "sdk": sdk, "version": importlib.metadata.version(sdk), **also}

        def take(call, model, act, question=None, where="", prefix="", note=None):
            self.take(said, prefix + call, model, act, question or call, where, note)

        return take

    def take(self, said, call, model, act, question, where, note):
        provider = said["provider"]
        if self.wanted and provider not in self.wanted:
            return
        self.wire.take()
        error = None
        try:
            answer = act()
            if "stream" in call and hasattr(answer, "__iter__"):
                list(itertools.islice(answer, 100))
        except Exception as caught:  # What an SDK makes of our answer is not what we are here for.
            error = caught
        token = call.startswith("token")
        sent = [one for one in self.wire.take() if bool(TOKENS.search(urllib.parse.unquote(one.target))) == token]
        sent = [one for one in sent if where in one.target and (not token or one.method == "POST")]
        if len(sent) != 1:
            self.failed.append(f"{provider}/{call}: {len(sent)} requests, {error!r}")
            return
        if error:
            self.unread.append(f"{provider}/{call}: {error!r}"[:300])
        about = {key: value for key, value in said.items() if key != "provider"}
        if model:
            about["model"] = model
        if question in fixture.QUESTIONS:
            about["question"] = question
        if note:
            about["note"] = note
        try:
            fixture.write(provider, call, about, sent[0])
        except (ValueError, json.JSONDecodeError) as unreadable:
            self.failed.append(f"{provider}/{call}: {unreadable!r}")
            return
        self.taken.append(provider)
