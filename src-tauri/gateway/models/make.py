#!/usr/bin/env python3
"""Makes `models.tsv`, the gateway's table of hosted models, from three public packages.

    python3 src-tauri/gateway/models/make.py

Run it by hand when the packages pinned in `sources.py` have newer data, and commit what it writes: no build needs it, nor
the network. The same packages give the same bytes. Then run `check.py`.

Who rules where they differ: litellm, as it is the newest, and MLflow's catalogue is made from it and rounds its prices.
MLflow has the models that litellm has dropped since, and OpenRouter's. models.dev is months older but made apart from the
two; it has the names, Hugging Face, and models that neither has. A source later in this order only fills gaps: context and
output one by one, prices all or none (half of one price list and half of another is no price list), badges where nothing is
said. What is certainly wrong is taken out, by a rule below that says why; nothing is put right by hand.
"""

import pathlib
import sys

# The folder is the repository's: no `__pycache__` beside the scripts.
sys.dont_write_bytecode = True

import sources
import table
from table import BADGES, BEHAVIOURS, EFFORTS, PRICES

TARGET = pathlib.Path(__file__).with_name("models.tsv")


def main():
    wheels = sources.fetch()
    found = [sources.litellm(wheels[0]), sources.mlflow(wheels[1]), sources.modelsdev(wheels[2])]
    rows = {}
    for key in sorted({key for source in found for key in source}):
        rows[key] = _fields(key[0], _merged([source[key] for source in found if key in source]))
    _inherit(rows)
    kept = _thinned(rows)
    table.write(TARGET, _head(), kept.values())
    _report(found, rows, kept)


def _merged(said):
    """One row of what up to three sources say, the first of them ruling."""
    first, *others = said
    row = {**first, "badges": dict(first.get("badges", {}))}
    by = [first["source"]]
    for other in others:
        before = repr(row)
        for field in ("context", "output"):
            row[field] = row.get(field) or other.get(field)
        # A date that the newer one has taken back stays back.
        if other.get("retires") == "deprecated":
            row["retires"] = row.get("retires") or "deprecated"
        if not _priced(row) and _priced(other):
            row.update({field: other.get(field, {}) for field in ("price", "tiers", "more")})
        row["badges"] = {**other.get("badges", {}), **row["badges"]}
        if repr(row) != before:
            by.append(other["source"])
        row["name"] = row.get("name") or other.get("name")
    row["source"] = ",".join(by)
    if row["mode"] in ("embedding", "rerank", "moderation"):
        # They give no tokens: what stands there is the length of the vector.
        row["output"] = None
    elif row["mode"] in ("chat", "responses", "completion") and row.get("context") and row.get("output"):
        # Two roundings of one window (202,752 and 202,800), or a limit that the window does not let it reach.
        row["output"] = min(row["output"], row["context"])
    more = row.get("more") or {}
    if more.get("second") and more["second"] == more.get("second_out"):
        # One price entered for both sides, of one recording.
        more["second_out"] = None
    sides = [row.get("price", {}).get(side) or 0 for side in ("in", "out")]
    if max(sides) >= 1000 or 0 < sides[0] < 0.002:
        # The price of a thousand tokens entered as that of one, or that of a picture's step as that of a million tokens.
        row["price"], row["tiers"] = {}, {}
    # "In 0, out 0" is how a source says that it is sold by another unit: pictures, seconds, a contract.
    if not any((row.get("price") or {}).values()) and (_units(row) or not row["model"].endswith(":free")):
        row["price"], row["tiers"] = {}, {}
    if (row.get("price") or {}).get("read"):
        row["badges"].setdefault("c", True)
    return row


def _priced(row):
    return any((row.get("price") or {}).values()) or _units(row)


def _units(row):
    return any((row.get("more") or {}).values())


def _fields(provider, row):
    """The row as the texts of its columns."""
    price = {column: row["price"].get(column) for column in PRICES} if row.get("price") else {}
    text = {column: "" if row.get(column) is None else str(row[column]) for column in table.COLUMNS}
    return {
        **text,
        "provider": provider,
        **{column: _number(price.get(column)) for column in PRICES},
        "tiers": " ".join(_tier(name, prices, price) for name, prices in sorted((row.get("tiers") or {}).items(), key=_over)
                          if prices),
        "more": " ".join(f"{unit}:{_number(value)}" for unit, value in sorted((row.get("more") or {}).items()) if value
                         and not (unit == "reasoning" and _number(value) == _number(price.get("out")))),
        "badges": "".join(letter for letter in BADGES if row["badges"].get(letter)),
        "behaviour": "".join(letter if row["behaviour"][letter] else letter.upper() for letter in BEHAVIOURS
                             if letter in row.get("behaviour", {})),
        "efforts": _efforts(row),
    }


def _over(tier):
    """Sorts tiers by service, then by the tokens above which they hold."""
    service, _, over = tier[0].partition(">")
    return service, int(over.replace("k", "000") or 0)


def _tier(name, prices, base):
    """`NAME:in/out/…`, or `NAME:xFACTOR` where all is the base by one factor."""
    stated = {column for column in PRICES if prices.get(column) is not None}
    if stated == {column for column in PRICES if base.get(column)}:
        factors = {_number(prices[column] / base[column]) for column in stated}
        if len(factors) == 1:
            return f"{name}:x{factors.pop()}"
    return f"{name}:" + "/".join(_number(prices.get(column)) for column in PRICES).rstrip("/")


def _number(value):
    """The shortest decimal within a ten-thousandth: sources carry what multiplying left over (0.30002 for 0.3)."""
    if value is None:
        return ""
    shorter = (float(f"{value:.{digits}g}") for digits in range(1, 18))
    short = next(short for short in shorter if abs(short - value) <= abs(value) / 10_000)
    return f"{short:.15f}".rstrip("0").rstrip(".")


def _efforts(row):
    efforts, usual = row.get("efforts"), row.get("default_effort")
    if efforts is None:
        return ""
    return ",".join(effort + "*" * (effort == usual) for effort in EFFORTS if effort in efforts) or "-"


def _inherit(rows):
    """A place or a day of a model can do what the model can, where the source says nothing of it. The price is its own."""
    # The shortest name first, so that a place inherits what its model has inherited.
    for key in sorted(rows, key=lambda key: (len(key[1]), key)):
        others = dict.fromkeys((key[0], name) for name in table.candidates(*key)[1:])
        other = next((rows[key] for key in others if key in rows), None)
        if other and other["mode"] == rows[key]["mode"]:
            for column in ("context", "output", "badges", "behaviour", "efforts", "cachemin"):
                rows[key][column] = rows[key][column] or other[column]


def _thinned(rows):
    """The rows without those that the lookup finds in another one, unchanged."""
    same = lambda one, two: all(one[column] == two[column] for column in table.COLUMNS  # noqa: E731
                                if column not in ("model", "source", "name"))
    kept, needed = {}, set()
    while True:
        kept = dict(rows)
        # The longest name first, so that what a row stands on is still there or is gone for the same reason.
        for provider, model in sorted(rows, key=lambda key: (-len(key[1]), key)):
            row = kept.pop((provider, model))
            other = table.lookup(kept, provider, model)
            if (provider, model) in needed or other is None or not same(row, other):
                kept[provider, model] = row
        lost = {key for key, row in rows.items() if not same(row, table.lookup(kept, *key) or dict.fromkeys(row))}
        if not lost:
            return kept
        needed |= lost


def _head():
    said = [f"{name} {version} ({day})" for name, version, day, _, _ in (sources.LITELLM, sources.MLFLOW, sources.MODELSDEV)]
    return [
        "# What is known of hosted models. Made by make.py, described in table.py; do not edit.",
        f"# From {said[0]}, MIT, outside its enterprise/; {said[1]}, Apache-2.0; {said[2]}, MIT. See NOTICE.",
    ]


def _report(found, rows, kept):
    """How far the sources are apart, for whoever updates them."""
    names = ["litellm", "MLflow", "models.dev"]
    for one, two in ((0, 1), (0, 2), (1, 2)):
        both = [(found[one][key], found[two][key]) for key in found[one].keys() & found[two].keys()]
        context = [(a, b) for a, b in both if a.get("context") and b.get("context")]
        price = [(a["price"], b["price"]) for a, b in both if any((a.get("price") or {}).values())
                 and any((b.get("price") or {}).values())]
        differ = sum(a["context"] != b["context"] for a, b in context)
        dearer = sum(any(abs((a.get(side) or 0) - (b.get(side) or 0)) > 0.006 * max(a.get(side) or 0, 0.01)
                         for side in ("in", "out")) for a, b in price)
        print(f"{names[one]} and {names[two]}: {len(both)} models in both; context differs in {differ} of {len(context)}, "
              f"price in {dearer} of {len(price)}")
    print(f"{len(rows)} models, {len(kept)} rows, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
