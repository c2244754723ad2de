"""OpenAI's own SDK to OpenAI: chat completions, Responses, and what else it offers."""

import openai

import questions
from questions import CALL, TOOL
from sdks import compatible
from tape import KEY

SEE, THINK = "gpt-4o", "gpt-5.4-mini"
# `max_tokens` is deprecated here, and an error with a model that reasons.
LIMIT = {"max_tokens": None, "max_completion_tokens": 64}
# The Responses API nests less.
RESPONSES_TOOL = {"type": "function", "name": TOOL, "description": questions.ABOUT, "parameters": questions.PARAMETERS}


def record(tape):
    client = openai.OpenAI(api_key=KEY, organization="org-fake", project="proj-fake", max_retries=0)
    everything(tape.of("openai", "openai"), client, SEE, THINK)
    take = tape.of("openai", "openai")
    take("models", None, client.models.list)
    take("batches", None, lambda: client.batches.create(**BATCH))
    take(
        "image-edit",
        "gpt-image-2",
        lambda: client.images.edit(model="gpt-image-2", prompt=questions.PICTURE, image=("a.png", b"PNG", "image/png")),
    )


BATCH = {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}


def everything(take, client, see, think, names=None):
    """What OpenAI's SDK can ask of OpenAI and of Azure. `names` are the models of what is not chat."""
    names = names or {
        "embeddings": "text-embedding-3-small",
        "images": "gpt-image-2",
        "speech": "gpt-4o-mini-tts",
        "transcription": "gpt-4o-mini-transcribe",
        "moderation": "omni-moderation-latest",
    }
    calls = {
        "calls": ["chat", "chat-stream", "tools", "tool-results", "image", "schema", "reasoning", *names],
        "changes": {call: LIMIT for call in ("chat", "chat-stream", "tools", "tool-results", "image", "schema")}
        | {"reasoning": {"max_tokens": None, "max_completion_tokens": 4096}},
        "models": {"reasoning": think, **names},
    }
    compatible.everything(take, compatible.Vendor("", "", client, see, **calls))
    responses(take, client, see, think)


def responses(take, client, see, think):
    create = client.responses.create
    short = {"model": see, "instructions": questions.SYSTEM, "max_output_tokens": 64}
    plain = {**short, "input": questions.USER, "temperature": 0.5}
    weather = {**short, "input": questions.WEATHER, "tools": [RESPONSES_TOOL]}
    results = [
        {"role": "user", "content": questions.WEATHER},
        {"type": "function_call", "call_id": CALL, "name": TOOL, "arguments": questions.ARGUMENTS},
        {"type": "function_call_output", "call_id": CALL, "output": questions.RESULT},
    ]
    picture = f"data:image/png;base64,{questions.PNG}"
    seen = [
        {
            "role": "user",
            "content": [{"type": "input_text", "text": questions.SEE}, {"type": "input_image", "image_url": picture}],
        }
    ]
    city = {"format": {"type": "json_schema", "name": "city", "strict": True, "schema": questions.SCHEMA}}
    say = {
        "chat": plain,
        "chat-stream": plain | {"stream": True},
        "tools": weather | {"tool_choice": "required"},
        "tool-results": weather | {"input": results},
        "image": {"model": see, "input": seen, "max_output_tokens": 64},
        "schema": {**short, "input": questions.USER, "text": city},
        "reasoning": {**short, "model": think, "input": questions.USER, "max_output_tokens": 4096, "reasoning": {"effort": "high"}},
    }
    for call, question in say.items():
        take(call, question["model"], lambda: create(**question), question=call, prefix="responses-")
