"""The table of hosted models as a file: its columns, how a line is read, and how a model's name finds its row.

It fetches and merges nothing (`sources.py`, `make.py`). `models.tsv` is read by the gateway with these same rules, so they
are written down here once:

    # ...                     comments, at the head only
    provider<TAB>model<TAB>…  the names of the columns, then one line a model

Fields are separated by tabs, a line's last empty fields are left out, an empty field means "not known". Lines are sorted by
the bytes of `provider<TAB>model in lower case`, of which no two are equal.

    provider   id as the gateway names it
    model      id as the provider names it, in the provider's own case; compared in lower case
    mode       chat, responses (chat, but only over the Responses API), completion, embedding, image, speech,
               transcription, rerank, moderation
    context    tokens of input at most. Some providers state the whole window here, answer included
    output     tokens of answer at most
    in, out    USD per million tokens, for input and output. 0 is free, empty is unknown
    read       USD per million input tokens that came from the cache
    write      USD per million input tokens written to the cache
    write1h    the same, kept for an hour
    tiers      prices under other conditions, separated by blanks: `NAME:in/out/read/write/write1h`, last empty ones left
               out, or `NAME:xFACTOR` where each price of the line is multiplied. An empty price is not stated by the
               source. NAME is a service tier as the answer calls it (`batch`, `flex`, `priority`, `ultrafast`), `offpeak`
               (its hours are not in the table), `>272k` (the whole request, once its input is above that), or both:
               `flex>272k`
    more       other prices, separated by blanks: `UNIT:USD`. Per million tokens: audio_in, audio_out, image_in, image_out,
               video_in, reasoning (where it is not `out`). Per million: char. Per one: image, second, second_out, query,
               request
    badges     t tools, v vision, a audio in, d PDF in, r reasoning, c prompt caching, s structured output
    behaviour  lower case is yes, upper case is no, absent is unknown: s sampling parameters, a adaptive thinking,
               l legacy thinking (a budget), p prefill of the answer, f forced tool use, t always thinks
    efforts    reasoning efforts that it takes, weakest first, separated by commas, the default with `*`; `-` is none
    cachemin   tokens that a prompt needs to be cached
    retires    the day it is or was taken away, or `deprecated` where no day is known
    source     who says so: l litellm, d models.dev, m MLflow with the day the row was last changed. Several, if one
               filled another's gaps, the first rules
    name       what to show

Finding a row. A row that another would answer for is left out of the file, so a name that has no row of its own is looked
up again, in the order of `candidates`: without its date or version, then without its region, then without both. At AWS and
Azure a region may also stand before a slash (`us-gov-west-1/`, `eu/`); there it is a place where the model costs or takes
something else, so a reader that knows the region asks with it first. Left out is only what the lookup finds unchanged, save
for `name` and `source`.
"""

import re

PROVIDERS = """anthropic azureanthropic azureopenai bedrock cerebras cohere dashscope databricks deepinfra deepseek fireworks
gemini groq huggingface inception minimax mistral moonshot nebius openai openrouter perplexity sagemaker sambanova together
vertexai vertexaianthropic voyage watsonx xai""".split()
COLUMNS = """provider model mode context output in out read write write1h tiers more badges behaviour efforts cachemin
retires source name""".split()
MODES = "chat responses completion embedding image speech transcription rerank moderation".split()
PRICES = "in out read write write1h".split()
EFFORTS = "none minimal low medium high xhigh max".split()
BADGES = {"t": "tools", "v": "vision", "a": "audio", "d": "pdf", "r": "reasoning", "c": "caching", "s": "structured"}
BEHAVIOURS = "salpft"

_REGIONS = {
    "bedrock": re.compile(r"^(?:(?:us|eu|apac|jp|au|ca|sa|me|af|in|il|mx|global|us-gov)\.|[a-z]{2}(?:-[a-z]+)+-\d/)"),
    "azureopenai": re.compile(r"^(?:global|global-standard|us|us-gov|eu|apac)/"),
    "azureanthropic": re.compile(r"^(?:global|global-standard|us|us-gov|eu|apac)/"),
    "fireworks": re.compile(r"^accounts/fireworks/(?:models|routers)/"),
    "openrouter": re.compile(r"^~"),
}
_DATED = re.compile(r"(?:(?:[-@]\d{8}|-\d{4}-\d{2}-\d{2}|@default|@latest|-latest)(?:-v\d+)?(?::\d+)?|-v\d+:\d+|:\d+)$")
_VARIANT = re.compile(r":(?:nitro|floor|online|exacto|extended)$")


def without_date(provider, model):
    """`gpt-4o-2024-08-06` is `gpt-4o`, `anthropic.claude-opus-4-20250514-v1:0` is `anthropic.claude-opus-4`, and a
    fine-tuned `ft:gpt-4o:mine::id` is `ft:gpt-4o`."""
    if model.startswith("ft:"):
        tuned = ":".join(model.split(":")[:2])
        return tuned if tuned != model else _DATED.sub("", model, count=1)
    if provider == "openrouter":
        return _VARIANT.sub("", model)
    return _DATED.sub("", model, count=1)


def without_region(provider, model):
    """`us.amazon.nova-pro-v1:0` is `amazon.nova-pro-v1:0`, `eu/gpt-5` is `gpt-5`. At Fireworks the account is what is left
    out: it takes `glm-5p3` and `accounts/fireworks/models/glm-5p3` alike."""
    region = _REGIONS.get(provider)
    return region.sub("", model) if region else model


def candidates(provider, model):
    """The names under which a model may have its row, best first, in lower case."""
    model = model.lower()
    plain = without_region(provider, model)
    found = []
    for name in (model, without_date(provider, model), plain, without_date(provider, plain)):
        if name and name not in found:
            found.append(name)
    if provider == "fireworks":
        found += [f"accounts/fireworks/models/{name}" for name in list(found) if "/" not in name]
    return found


def lookup(rows, provider, model):
    """The row of a model in `rows`, which maps (provider, model in lower case) to rows, or None."""
    return next((rows[provider, name] for name in candidates(provider, model) if (provider, name) in rows), None)


def read(path):
    """The rows of a file, as dictionaries of the fields' texts, and its head."""
    head, rows, columns = [], [], None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            head.append(line)
        elif columns is None:
            columns = line.split("\t")
            if columns != COLUMNS:
                raise ValueError(f"{path} has the columns {columns}")
        else:
            fields = line.split("\t")
            rows.append(dict(zip(columns, fields + [""] * (len(columns) - len(fields)))))
    return head, rows


def write(path, head, rows):
    lines = [*head, "\t".join(COLUMNS)]
    for row in sorted(rows, key=lambda row: f"{row['provider']}\t{row['model'].lower()}".encode()):
        lines.append("\t".join(row[column] for column in COLUMNS).rstrip("\t"))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
