"""Cohere's own SDK, version 2 of its API."""

import cohere

import questions
from questions import ask
from tape import KEY

MODEL, THINK, SEE = "command-a-03-2025", "command-a-reasoning-08-2025", "command-a-vision-07-2025"


def record(tape):
    take = tape.of("cohere", "cohere")
    client = cohere.ClientV2(api_key=KEY, max_retries=0)
    plain = ask("chat", MODEL, stop=None, stop_sequences=questions.STOP)
    take("chat", MODEL, lambda: client.chat(**plain))
    take("chat-stream", MODEL, lambda: client.chat_stream(**plain))
    take("tools", MODEL, lambda: client.chat(**ask("tools", MODEL, tool_choice="REQUIRED")))
    take("tool-results", MODEL, lambda: client.chat(**ask("tool-results", MODEL)))
    take("image", SEE, lambda: client.chat(**ask("image", SEE)))
    schema = {"type": "json_object", "json_schema": questions.SCHEMA}
    take("schema", MODEL, lambda: client.chat(**ask("schema", MODEL, response_format=schema)))
    thinking = {"type": "enabled", "token_budget": 2048}
    take("reasoning", THINK, lambda: client.chat(**ask("reasoning", THINK, reasoning_effort=None, thinking=thinking)))
    embedded = {"texts": questions.TEXTS, "input_type": "search_document", "embedding_types": ["float"], "output_dimension": 256}
    take("embeddings", "embed-v4.0", lambda: client.embed(model="embed-v4.0", **embedded))
    take("rerank", "rerank-v4.0-pro", lambda: client.rerank(**ask("rerank", "rerank-v4.0-pro")))
    take("models", None, lambda: client.models.list(page_size=1000))
    take(
        "transcription",
        "cohere-transcribe-03-2026",
        lambda: client.audio.transcriptions.create(
            model="cohere-transcribe-03-2026", language="en", file=("a.wav", questions.WAV, "audio/wav")
        ),
    )
