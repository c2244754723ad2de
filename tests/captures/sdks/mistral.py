"""Mistral's own SDK."""

from mistralai.client import Mistral

import questions
from questions import ask
from tape import KEY

MODEL, THINK = "mistral-large-latest", "mistral-small-latest"


def record(tape):
    take = tape.of("mistral", "mistralai")
    client = Mistral(api_key=KEY)
    chat = client.chat
    plain = ask("chat", MODEL)
    take("chat", MODEL, lambda: chat.complete(**plain))
    take("chat-stream", MODEL, lambda: chat.stream(**plain))
    take("tools", MODEL, lambda: chat.complete(**ask("tools", MODEL, tool_choice="any")))
    take("tools-required", MODEL, lambda: chat.complete(**ask("tools", MODEL)), question="tools")
    for call in ("tool-results", "image", "schema"):
        take(call, MODEL, lambda: chat.complete(**ask(call, MODEL)))
    take("reasoning", THINK, lambda: chat.complete(**ask("reasoning", THINK)))
    embedder = "codestral-embed"
    take(
        "embeddings",
        embedder,
        lambda: client.embeddings.create(model=embedder, inputs=questions.TEXTS, output_dimension=256),
    )
    judge = "mistral-moderation-latest"
    take("moderation", judge, lambda: client.classifiers.moderate(model=judge, inputs=questions.JUDGED))
    take("models", None, client.models.list)
    heard = {"file_name": "a.wav", "content": questions.WAV, "content_type": "audio/wav"}
    listener = "voxtral-mini-latest"
    take(
        "transcription",
        listener,
        lambda: client.audio.transcriptions.complete(model=listener, file=heard, language="en"),
    )
    speaker = "voxtral-mini-tts-latest"
    take(
        "speech",
        speaker,
        lambda: client.audio.speech.complete(
            model=speaker, input=questions.SPOKEN, voice_id="fake-voice", response_format="mp3"
        ),
    )
    take(
        "batches",
        MODEL,
        lambda: client.batch.jobs.create(endpoint="/v1/chat/completions", input_files=["file-1"], model=MODEL),
    )
