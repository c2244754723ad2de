"""Asks every vendor's SDK the same questions and records what it sends: record.py [--older] [PROVIDER...]

Nothing leaves the machine: every SDK reaches `wire`'s proxy through the environment, and is answered there. Run by record.sh,
in the venv with the SDKs of requirements.txt; with --older, in which an older SDK of Anthropic's comes first, only that one.
"""

import importlib
import os
import pathlib
import shutil
import sys
import tempfile

import fixture
import questions
import table
import tape
import wire

SDKS = ["compatible", "openai_", "anthropic_", "google", "aws", "azure", "cohere_", "mistral", "watsonx", "rest"]


def reach(running, home):
    """The environment in which every SDK finds the proxy, trusts it, and finds no settings of the user's."""
    os.environ.clear()
    authority = str(running.authority.file)
    os.environ.update({
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "HTTPS_PROXY": running.url,
        "https_proxy": running.url,
        "SSL_CERT_FILE": authority,
        "REQUESTS_CA_BUNDLE": authority,
        "AWS_CA_BUNDLE": authority,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(home / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "none"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_GCE_CHECK": "true",
    })


def main(wanted):
    older = "--older" in wanted
    wanted = [one for one in wanted if one != "--older"]
    if not older and not wanted:
        # A call that is asked no longer must not leave its fixture behind.
        for stale in fixture.HERE.glob("*/*.json"):
            stale.unlink()
    for name, question in questions.QUESTIONS.items():
        fixture.save(fixture.HERE / "questions" / f"{name}.json", question)
    home = pathlib.Path(tempfile.mkdtemp(prefix="captures-"))
    try:
        running = wire.Wire(home)
        reach(running, home)
        recorded = tape.Tape(running, wanted)
        for name in ["anthropic_"] if older else SDKS:
            importlib.import_module(f"sdks.{name}").record(recorded)
    finally:
        shutil.rmtree(home)
    table.write()
    for line in recorded.unread:
        print(f"recorded, but the SDK did not understand our answer: {line}")
    for line in recorded.failed:
        print(f"NOT RECORDED: {line}")
    versions = "with an older SDK of Anthropic's" if older else "with today's SDKs"
    print(f"{versions}: {len(recorded.taken)} calls of {len(set(recorded.taken))} providers recorded")
    return 1 if recorded.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
