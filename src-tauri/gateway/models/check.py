#!/usr/bin/env python3
"""Checks `models.tsv` and says what is in it; it needs no network.

    python3 src-tauri/gateway/models/check.py

What is wrong ends it with 1; what is only odd it names. The anchors are well-known facts, written down by hand so that a
source gone wrong does not pass unseen. They are no proof of the table: none was looked up at its vendor, and what they say
of Claude's behaviour comes in part from litellm's own flags. Where one fails, ask the vendor, then mend the rule or the
anchor.
"""

import collections
import gzip
import pathlib
import re
import sys

# The folder is the repository's: no `__pycache__` beside the scripts.
sys.dont_write_bytecode = True

import table
from table import PRICES

FILE = pathlib.Path(__file__).with_name("models.tsv")

# provider, model, column, what its text must be (a regular expression, all of it)
ANCHORS = [
    ("openai", "gpt-5.5", "tiers", r".*>272k:10/45/1\b.*"),
    ("openai", "gpt-5.5", "tiers", r"(?:.* )?batch:x0\.5(?: .*)?"),
    ("openai", "gpt-5.5-2099-01-01", "in", "5"),
    ("openai", "gpt-4o", "context", "128000"),
    ("openai", "o3-pro", "mode", "responses"),
    ("openai", "whisper-1", "mode", "transcription"),
    ("openai", "text-embedding-3-small", "in", r"0\.02"),
    ("anthropic", "claude-haiku-4-5", "context", "200000"),
    ("anthropic", "claude-haiku-4-5", "behaviour", "p"),
    ("anthropic", "claude-sonnet-4-6", "in", "3"),
    ("anthropic", "claude-sonnet-4-6", "read", r"0\.3"),
    ("anthropic", "claude-sonnet-4-6", "write", r"3\.75"),
    ("anthropic", "claude-sonnet-4-6", "write1h", "6"),
    ("anthropic", "claude-sonnet-4-6", "tiers", r"batch:1\.5/7\.5/.*"),
    ("anthropic", "claude-sonnet-4-6", "behaviour", "alP"),
    ("anthropic", "claude-opus-4-7", "behaviour", "SaP"),
    ("anthropic", "claude-opus-4-7", "efforts", "low,medium,high,xhigh,max"),
    ("anthropic", "claude-opus-5-5", "behaviour", "S.*PFt"),
    ("anthropic", "claude-sonnet-5-5", "behaviour", "S.*PFt"),
    ("gemini", "gemini-2.5-pro", "context", "1048576"),
    ("gemini", "gemini-2.5-pro", "tiers", r"(?:.* )?>200k:.*"),
    ("gemini", "gemini-3.1-pro-preview", "tiers", r"(?:.* )?>200k:.*"),
    ("deepseek", "deepseek-v4-pro", "context", r"10\d{5}"),
    ("deepseek", "deepseek-flash", "context", r"10\d{5}"),
    ("bedrock", "us.anthropic.claude-sonnet-5-5", "behaviour", "S.*PFt"),
    ("bedrock", "amazon.nova-pro-v1:0", "context", "300000"),
    ("bedrock", "us-east-1/amazon.titan-embed-text-v2:0", "mode", "embedding"),
    ("azureopenai", "gpt-4o", "in", r"2\.5"),
    ("azureanthropic", "claude-opus-4-7", "behaviour", "SaP.*"),
    ("vertexai", "gemini-2.5-pro", "context", "1048576"),
    ("vertexaianthropic", "claude-haiku-4-5@20251001", "context", "200000"),
    ("vertexaianthropic", "claude-sonnet-4-6", "mode", "chat"),
    ("fireworks", "gpt-oss-120b", "context", "131072"),
    ("groq", "whisper-large-v3-turbo", "mode", "transcription"),
    ("groq", "openai/gpt-oss-120b", "context", "131072"),
    ("cohere", "rerank-v3.5", "mode", "rerank"),
    ("voyage", "voyage-4-large", "mode", "embedding"),
    ("voyage", "rerank-2.5", "mode", "rerank"),
    ("mistral", "mistral-embed", "mode", "embedding"),
    ("perplexity", "sonar-pro", "mode", "chat|responses"),
    ("openrouter", "anthropic/claude-sonnet-4.6:nitro", "context", "1000000"),
]


def main():
    head, rows = table.read(FILE)
    wrong, odd = [], []
    keys = {}
    for row in rows:
        key = (row["provider"], row["model"].lower())
        if key in keys:
            wrong.append(f"{key} is there twice")
        keys[key] = row
        wrong += [f"{':'.join(key)}: {what}" for what in faults(row)]
        odd += [f"{':'.join(key)}: {what}" for what in oddities(row)]
    if [f"{p}\t{m}".encode() for p, m in keys] != sorted(f"{p}\t{m}".encode() for p, m in keys):
        wrong.append("the lines are not sorted")
    if not (len(head) == 2 and all("NOTICE" in line or "make.py" in line for line in head)):
        wrong.append("the head does not say where the table comes from")
    wrong += [f"no model of {provider}" for provider in table.PROVIDERS if provider not in {key[0] for key in keys}]
    for provider, model, column, expected in ANCHORS:
        row = table.lookup(keys, provider, model)
        if row is None or not re.fullmatch(expected, row[column]):
            wrong.append(f"{provider}:{model} has {column} {row and row[column]!r}, the anchor says {expected}")
    summary(rows)
    print(*[f"odd: {line}" for line in odd], sep="\n")
    print(*[f"wrong: {line}" for line in wrong], sep="\n", file=sys.stderr)
    sys.exit(bool(wrong))


def faults(row):
    """What no row may have."""
    if row["provider"] not in table.PROVIDERS:
        yield "not a provider of ours"
    if row["mode"] not in table.MODES:
        yield f"mode {row['mode']}"
    if any(character.isspace() for character in row["model"]) or not row["model"]:
        yield "a blank in the name"
    for column in ("context", "output", "cachemin"):
        if row[column] and not 0 < int(row[column]) <= 20_000_000:
            yield f"{column} {row[column]}"
    answers = row["mode"] in ("chat", "responses", "completion")
    if answers and row["context"] and int(row["output"] or 0) > int(row["context"]):
        yield f"an answer of {row['output']} in a window of {row['context']}"
    for column in PRICES:
        if row[column] and not re.fullmatch(r"\d{1,3}(?:\.\d+)?", row[column]):
            yield f"{column} {row[column]}"
    if row["tiers"] and not row["in"] and not row["out"]:
        yield f"tiers {row['tiers']} of no price"
    number = r"(?:\d+(?:\.\d+)?)"
    named = r"(?:batch|flex|priority|ultrafast|offpeak)?(?:>\d+k?)?"
    for tier in row["tiers"].split():
        if not re.fullmatch(rf"{named}:(?:x{number}|{number}?(?:/{number}?){{0,4}})", tier):
            yield f"tier {tier}"
    for price in row["more"].split():
        if not re.fullmatch(r"[a-z_]+:\d+(?:\.\d+)?", price):
            yield f"price {price}"
    if not re.fullmatch("".join(f"{letter}?" for letter in table.BADGES), row["badges"]):
        yield f"badges {row['badges']}"
    if not re.fullmatch("".join(f"[{letter}{letter.upper()}]?" for letter in table.BEHAVIOURS), row["behaviour"]):
        yield f"behaviour {row['behaviour']}"
    efforts = row["efforts"].replace("*", "").split(",") if row["efforts"] not in ("", "-") else []
    if efforts != [effort for effort in table.EFFORTS if effort in efforts]:
        yield f"efforts {row['efforts']}"
    if not re.fullmatch(r"(?:\d{4}-\d{2}-\d{2}|deprecated)?", row["retires"]):
        yield f"retires {row['retires']}"
    if not re.fullmatch(r"(?:l|d|m\d{4}-\d{2}-\d{2})(?:,(?:d|m\d{4}-\d{2}-\d{2}))*", row["source"]):
        yield f"source {row['source']}"


def oddities(row):
    """What is most likely a fault of a source."""
    into, out, read = (float(row[column] or "nan") for column in ("in", "out", "read"))
    if row["mode"] in ("chat", "responses"):
        if out < into:
            yield f"an answer ({out}) costs less than a question ({into})"
        if row["context"] and int(row["context"]) < 2000:
            yield f"a window of {row['context']}"
        if row["context"] and int(row["context"]) > 5_000_000:
            yield f"a window of {row['context']}"
    if read > into:
        yield f"the cache ({read}) costs more than no cache ({into})"


def summary(rows):
    counts = collections.defaultdict(collections.Counter)
    for row in rows:
        for name in (row["provider"], "all"):
            counts[name].update(["rows", row["mode"]])
            counts[name].update(column for column in ("context", "behaviour", "efforts", "retires", "name") if row[column])
            counts[name].update(["priced"] if row["in"] or row["out"] or row["more"] else [])
    columns = ["rows", "context", "priced", "behaviour", "efforts", "retires", "name", *table.MODES]
    print(f"{'':18}" + " ".join(f"{column[:7]:>7}" for column in columns))
    for provider in [*table.PROVIDERS, "all"]:
        print(f"{provider:18}" + " ".join(f"{counts[provider][column] or '-':>7}" for column in columns))
    size = FILE.read_bytes()
    print(f"{len(size):,} bytes, {len(gzip.compress(size, 9, mtime=0)):,} with gzip -9")


if __name__ == "__main__":
    main()
