"""The SDKs with OpenAI's shape: the vendors' own that were made after it, and OpenAI's where the vendor documents that.

The question goes in as it is. `changes` are the few fields for which the vendor documents another value, or a refusal.
"""

from dataclasses import dataclass, field
from typing import Any

import cerebras.cloud.sdk
import fireworks
import groq
import huggingface_hub
import openai
import sambanova
import together

from questions import WAV, ask
from tape import KEY

CHAT = ["chat", "chat-stream", "tools", "tool-results", "schema", "reasoning"]
# These take no forced tool: DeepInfra never, the others not while the model thinks.
FREE = {"tools": {"tool_choice": None}}
NO_SCHEMA = {"schema": {"response_format": {"type": "json_object"}}}


@dataclass
class Vendor:
    provider: str
    sdk: str
    client: Any
    model: str
    calls: list[str] = field(default_factory=lambda: CHAT)
    # Model and other changes of a call.
    changes: dict[str, dict] = field(default_factory=dict)
    # Models of the calls that want another.
    models: dict[str, str] = field(default_factory=dict)


def compatible(base_url):
    return openai.OpenAI(base_url=base_url, api_key=KEY, max_retries=0)


def vendors():
    own = {"api_key": KEY, "max_retries": 0}
    see = [*CHAT, "image"]
    return [
        Vendor("cerebras", "cerebras-cloud-sdk", cerebras.cloud.sdk.Cerebras(warm_tcp_connection=False, **own), "gpt-oss-120b"),
        Vendor(
            "fireworks",
            "fireworks-ai",
            fireworks.Fireworks(**own),
            "accounts/fireworks/models/gpt-oss-120b",
            see,
        ),
        Vendor(
            "groq",
            "groq",
            groq.Groq(**own),
            "openai/gpt-oss-120b",
            [*see, "speech", "transcription"],
            models={"speech": "canopylabs/orpheus-v1-english", "transcription": "whisper-large-v3-turbo"},
        ),
        Vendor(
            "together",
            "together",
            together.Together(**own),
            "openai/gpt-oss-120b",
            [*see, "embeddings", "rerank", "images", "speech", "transcription"],
            # Its SDK knows the size as width and height, and no dimensions.
            changes={"embeddings": {"dimensions": None}, "images": {"size": None, "width": 1024, "height": 1024}},
            models={
                "embeddings": "intfloat/multilingual-e5-large-instruct",
                "rerank": "mixedbread-ai/Mxbai-Rerank-Large-V2",
                "images": "black-forest-labs/FLUX.1-schnell",
                "speech": "hexgrad/Kokoro-82M",
                "transcription": "openai/whisper-large-v3",
            },
        ),
        Vendor(
            "sambanova",
            "sambanova",
            sambanova.SambaNova(**own),
            "gpt-oss-120b",
            [*see, "embeddings", "transcription"],
            changes={"embeddings": {"dimensions": None}},
            models={"embeddings": "E5-Mistral-7B-Instruct", "transcription": "Whisper-Large-v3"},
        ),
        Vendor("huggingface", "huggingface_hub", huggingface_hub.InferenceClient(api_key=f"hf_{KEY}"), "Qwen/Qwen3-32B", [*CHAT[:5], "image"]),
        Vendor(
            "deepinfra",
            "openai",
            compatible("https://api.deepinfra.com/v1/openai"),
            "deepseek-ai/DeepSeek-V4-Flash",
            [*see, "embeddings", "images", "speech", "transcription"],
            changes=FREE,
            models={
                "embeddings": "Qwen/Qwen3-Embedding-8B",
                "images": "black-forest-labs/FLUX-1-schnell",
                "speech": "hexgrad/Kokoro-82M",
                "transcription": "openai/whisper-large-v3-turbo",
            },
        ),
        Vendor(
            "deepseek",
            "openai",
            compatible("https://api.deepseek.com"),
            "deepseek-v4-pro",
            changes=FREE | NO_SCHEMA | {"reasoning": {"extra_body": {"thinking": {"type": "enabled"}}}},
        ),
        Vendor("inception", "openai", compatible("https://api.inceptionlabs.ai/v1"), "mercury-2.5"),
        Vendor(
            "minimax",
            "openai",
            compatible("https://api.minimax.io/v1"),
            "MiniMax-M3",
            [*CHAT[:4], "image", "reasoning"],
            changes=FREE | {"reasoning": {"reasoning_effort": None, "extra_body": {"reasoning_split": True}}},
        ),
        Vendor(
            "moonshot",
            "openai",
            compatible("https://api.moonshot.ai/v1"),
            "kimi-k3",
            see,
            # Its models take no other temperature than their own.
            changes=FREE | {"chat": {"temperature": None}, "chat-stream": {"temperature": None}},
        ),
        Vendor(
            "nebius",
            "openai",
            compatible("https://api.tokenfactory.nebius.com/v1"),
            "openai/gpt-oss-120b",
            [*see, "embeddings", "images"],
            models={"embeddings": "Qwen/Qwen3-Embedding-8B", "images": "black-forest-labs/flux-schnell"},
        ),
        Vendor(
            "xai",
            "openai",
            compatible("https://api.x.ai/v1"),
            "grok-4.3",
            [*see, "images"],
            # A model that reasons refuses `stop`.
            changes={"chat": {"stop": None}, "chat-stream": {"stop": None}, "images": {"size": None}},
            models={"images": "grok-imagine-image"},
        ),
        Vendor(
            "dashscope",
            "openai",
            compatible("https://dashscope.aliyuncs.com/compatible-mode/v1"),
            "qwen3.7-plus",
            [*see, "embeddings"],
            changes=FREE | {"reasoning": {"reasoning_effort": None, "extra_body": {"enable_thinking": True}}},
            models={"embeddings": "text-embedding-v4"},
        ),
        Vendor(
            "openrouter",
            "openai",
            compatible("https://openrouter.ai/api/v1"),
            "openai/gpt-4o",
            [*see, "embeddings"],
            changes={"reasoning": {"reasoning_effort": None, "extra_body": {"reasoning": {"effort": "high"}}}},
            models={"reasoning": "openai/gpt-5.4-mini", "embeddings": "openai/text-embedding-3-small"},
        ),
    ]


def record(tape):
    for vendor in vendors():
        take = tape.of(vendor.provider, vendor.sdk)
        everything(take, vendor)
        # The SDKs of these three list models elsewhere, or not at all: `rest` asks.
        if vendor.provider not in ("fireworks", "huggingface", "together"):
            take("models", None, vendor.client.models.list)


def everything(take, vendor, prefix=""):
    for call in vendor.calls:
        model = vendor.models.get(call, vendor.model)
        question = ask(call, model, **vendor.changes.get(call, {}))
        take(call, model, lambda: say(vendor.client, call, question), prefix=prefix)


def say(client, call, question):
    match call:
        case "embeddings":
            return client.embeddings.create(**question)
        case "rerank":
            return client.rerank.create(**question) if hasattr(client.rerank, "create") else client.rerank(**question)
        case "images":
            return client.images.generate(**question)
        case "speech":
            return client.audio.speech.create(**question)
        case "transcription":
            return transcribe(client, question)
        case "moderation":
            return client.moderations.create(**question)
        case _:
            return client.chat.completions.create(**question)


def transcribe(client, question):
    return client.audio.transcriptions.create(**question | {"file": ("a.wav", WAV, "audio/wav")})
