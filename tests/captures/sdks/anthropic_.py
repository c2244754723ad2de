"""Anthropic's SDK: its own API, the three clouds that serve Claude (Bedrock, Vertex, Foundry), and others that speak it.

Recorded with two versions of it, since version 2 sends another version of the API, which knows no temperature, and the key in
another header. What the one for `2023-06-01` sends has names that begin with `v2023-`.
"""

import json

import anthropic

import questions
from questions import CALL, TOOL
from sdks import frozen
from tape import KEY

# Takes a temperature and a forced tool; the newest ones refuse both.
PLAIN, THINK = "claude-haiku-4-5", "claude-sonnet-5-5"

SHORT = {"max_tokens": 64, "system": questions.SYSTEM}
USER = [{"role": "user", "content": questions.USER}]
WEATHER = {"role": "user", "content": questions.WEATHER}
TOOLS = [{"name": TOOL, "description": questions.ABOUT, "input_schema": questions.PARAMETERS}]
RESULTS = [
    WEATHER,
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": CALL, "name": TOOL, "input": json.loads(questions.ARGUMENTS)}],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": CALL, "content": questions.RESULT}]},
]
SEEN = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": questions.SEE},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": questions.PNG}},
        ],
    }
]
OLDER = anthropic.__version__.startswith("1.")
# The API of 2026-10-21 refuses a temperature. The SDK knew none before, and its guide says to send it so.
WARM = {"extra_body": {"temperature": 0.5}} if OLDER else {}
PLAIN_CHAT = {**SHORT, "messages": USER, "stop_sequences": questions.STOP, **WARM}
SAY = {
    "chat": PLAIN_CHAT,
    "chat-stream": {**PLAIN_CHAT, "stream": True},
    "tools": {**SHORT, "messages": [WEATHER], "tools": TOOLS, "tool_choice": {"type": "any"}},
    "tool-results": {**SHORT, "messages": RESULTS, "tools": TOOLS},
    "image": {"max_tokens": 64, "messages": SEEN},
    "schema": {**SHORT, "messages": USER, "output_config": {"format": {"type": "json_schema", "schema": questions.SCHEMA}}},
}
LONG = {"max_tokens": 4096, "system": questions.SYSTEM, "messages": USER}
ADAPTIVE = {**LONG, "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}
BUDGETED = {**LONG, "thinking": {"type": "enabled", "budget_tokens": 2048}}
COUNT = {"system": questions.SYSTEM, "messages": USER}


def everything(take, client, plain=PLAIN, think=THINK, prefix=""):
    create = client.messages.create
    for call, question in SAY.items():
        take(call, plain, lambda: create(model=plain, **question), prefix=prefix)
    take("reasoning", think, lambda: create(model=think, **ADAPTIVE), prefix=prefix)
    take("reasoning-budget", plain, lambda: create(model=plain, **BUDGETED), question="reasoning", prefix=prefix)


def count(take, client, model=PLAIN, prefix=""):
    take("count-tokens", model, lambda: client.messages.count_tokens(model=model, **COUNT), prefix=prefix)


def of(tape, provider):
    """Takes for one provider, under names that say which version of the API it was."""
    take = tape.of(provider, "anthropic")
    if not OLDER:
        return take

    def older(call, *rest, question=None, prefix="", **more):
        take(f"v2023-{prefix}{call}", *rest, question=question or call, **more)

    return older


# The vendors that speak Anthropic's protocol beside their own, where they document it, and which credential they document.
OTHERS = {
    "dashscope": ("https://dashscope.aliyuncs.com/apps/anthropic", "api_key", "qwen3.7-plus"),
    "deepseek": ("https://api.deepseek.com/anthropic", "api_key", "deepseek-v4-pro"),
    "fireworks": ("https://api.fireworks.ai/inference", "auth_token", "accounts/fireworks/models/glm-5p2"),
    "minimax": ("https://api.minimax.io/anthropic", "api_key", "MiniMax-M3"),
    "moonshot": ("https://api.moonshot.ai/anthropic", "auth_token", "kimi-k3"),
    "openrouter": ("https://openrouter.ai/api", "auth_token", "anthropic/claude-sonnet-5.5"),
}


def record(tape):
    own = {"max_retries": 0}
    client = anthropic.Anthropic(api_key=KEY, **own)
    take = of(tape, "anthropic")
    everything(take, client)
    count(take, client)
    take("models", None, lambda: client.models.list(limit=1000))
    batch = [{"custom_id": "one", "params": {"model": PLAIN, "max_tokens": 64, "messages": USER}}]
    take("batches", PLAIN, lambda: client.messages.batches.create(requests=batch))
    bearer = anthropic.Anthropic(auth_token=KEY, **own)
    take("chat-auth-token", PLAIN, lambda: bearer.messages.create(model=PLAIN, **PLAIN_CHAT), question="chat")

    foundry = anthropic.AnthropicFoundry(resource="fake-resource", api_key=KEY, **own)
    take = of(tape, "azureanthropic")
    everything(take, foundry)
    count(take, foundry)
    entra = anthropic.AnthropicFoundry(resource="fake-resource", azure_ad_token_provider=lambda: "fake-access-token", **own)
    take("chat-entra", PLAIN, lambda: entra.messages.create(model=PLAIN, **PLAIN_CHAT), question="chat")

    take = of(tape, "vertexaianthropic")
    plain = f"{PLAIN}@20251001"
    for region, prefix in (("us-east5", ""), ("global", "global-"), ("eu", "eu-")):
        vertex = anthropic.AnthropicVertex(
            region=region, project_id="fake-project", access_token="fake-access-token", **own
        )
        if prefix:
            take("chat", plain, lambda: vertex.messages.create(model=plain, **PLAIN_CHAT), prefix=prefix)
            continue
        everything(take, vertex, plain)
        count(take, vertex, plain)

    with frozen.aws():
        bedrock(tape, own)
    for provider, (base_url, credential, model) in OTHERS.items():
        other = anthropic.Anthropic(base_url=base_url, **{credential: KEY}, **own)
        of(tape, provider)("anthropic-chat", model, lambda: other.messages.create(model=model, **PLAIN_CHAT), question="chat")


def bedrock(tape, own):
    take = of(tape, "bedrock")
    plain, think = "us.anthropic.claude-haiku-4-5-20251001-v1:0", "us.anthropic.claude-sonnet-5-5"
    keys = {"aws_access_key": frozen.ACCESS, "aws_secret_key": frozen.SECRET, "aws_region": frozen.REGION}
    client = anthropic.AnthropicBedrock(**keys, **own)
    everything(take, client, plain, think, prefix="claude-")
    bearer = anthropic.AnthropicBedrock(api_key=KEY, aws_region=frozen.REGION, **own)
    take("claude-chat-bearer", plain, lambda: bearer.messages.create(model=plain, **PLAIN_CHAT), question="chat")
    mantle = anthropic.AnthropicBedrockMantle(**keys, **own)
    plain = "anthropic.claude-haiku-4-5"
    take("claude-chat-mantle", plain, lambda: mantle.messages.create(model=plain, **PLAIN_CHAT), question="chat")
