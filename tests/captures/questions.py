"""The abstract questions: what every SDK is asked to say to its vendor, in OpenAI's form, with exact values.

`record.py` writes them to questions/*.json, so that Pointsman can be asked the very same. `MODEL` stands for a model of the
provider: each fixture says which it was.
"""

MODEL = "{model}"

# A red pixel.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
# The shortest thing that is a WAV file: a header, no sample.
WAV = b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0"

SYSTEM = "You are terse."
USER = "Which city is the capital of France?"
STOP = ["END"]
MESSAGES = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": USER}]

PARAMETERS = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "The city's name."},
        "options": {
            "type": "object",
            "properties": {
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "array", "items": {"type": "integer"}},
            },
            "required": ["unit"],
            "additionalProperties": False,
        },
    },
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = "get_weather"
ABOUT = "The weather in a city."
TOOLS = [{"type": "function", "function": {"name": TOOL, "description": ABOUT, "parameters": PARAMETERS}}]
WEATHER = "How is the weather in Oslo?"
# Nine letters and digits, since Mistral takes no other id.
CALL = "call12345"
ARGUMENTS = '{"city":"Oslo","options":{"unit":"celsius","days":[1,2]}}'
RESULT = '{"celsius":4}'
ASKED = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": WEATHER}]
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": CALL, "type": "function", "function": {"name": TOOL, "arguments": ARGUMENTS}}],
}

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
SEE = "What is in the picture?"
TEXTS = ["first text", "second text"]
QUERY = "capital of France"
DOCUMENTS = ["Paris is a city.", "Bread is food."]
SPOKEN = "Hello from Pointsman."
PICTURE = "A red square."
JUDGED = "I like trains."

SHORT = {"max_tokens": 64, "temperature": 0.5, "stop": STOP}

QUESTIONS = {
    "chat": {"model": MODEL, "messages": MESSAGES, **SHORT},
    "chat-stream": {"model": MODEL, "messages": MESSAGES, **SHORT, "stream": True},
    "tools": {"model": MODEL, "messages": ASKED, "max_tokens": 64, "tools": TOOLS, "tool_choice": "required"},
    "tool-results": {
        "model": MODEL,
        "messages": [*ASKED, CALLED, {"role": "tool", "tool_call_id": CALL, "content": RESULT}],
        "max_tokens": 64,
        "tools": TOOLS,
    },
    "image": {
        "model": MODEL,
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": SEE},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                ],
            }
        ],
        "max_tokens": 64,
    },
    "schema": {
        "model": MODEL,
        "messages": MESSAGES,
        "max_tokens": 64,
        "response_format": {"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": SCHEMA}},
    },
    "reasoning": {"model": MODEL, "messages": MESSAGES, "max_tokens": 4096, "reasoning_effort": "high"},
    "embeddings": {"model": MODEL, "input": TEXTS, "dimensions": 256},
    "rerank": {"model": MODEL, "query": QUERY, "documents": DOCUMENTS, "top_n": 1},
    "images": {"model": MODEL, "prompt": PICTURE, "n": 1, "size": "1024x1024"},
    "speech": {"model": MODEL, "input": SPOKEN, "voice": "alloy", "response_format": "mp3"},
    "transcription": {"model": MODEL, "file": "a.wav", "language": "en"},
    "moderation": {"model": MODEL, "input": JUDGED},
    "count-tokens": {"model": MODEL, "messages": MESSAGES},
}


def ask(name, model, **changes):
    """The question of this name for this model. A change of None takes the field away."""
    question = {**QUESTIONS[name], "model": model, **changes}
    return {key: value for key, value in question.items() if value is not None}
