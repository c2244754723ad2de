"""Writes the table of what is recorded into README.md, out of the fixtures."""

import collections
import json

import fixture

README = fixture.HERE / "README.md"
BEGIN, END = "<!-- recorded:begin -->\n", "<!-- recorded:end -->"


def write():
    recorded = collections.defaultdict(list)
    for path in sorted(fixture.HERE.glob("*/*.json")):
        if path.parent.name != "questions":
            said = json.loads(path.read_text())
            recorded[path.parent.name, said["sdk"], said["version"]].append(said["call"])
    lines = ["| provider | SDK | version | calls |", "|---|---|---|---|"]
    lines += [f"| {provider} | {sdk} | {version} | {' '.join(calls)} |" for (provider, sdk, version), calls in sorted(recorded.items())]
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after)
