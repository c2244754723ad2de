"""A conversation after which the small test model calls a tool, the same at every run, in each SDK's own shape."""

import json

NAME = "get_weather"
ABOUT = "Get the current weather for a city"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WANTED = {"city": "Paris"}

# Two calls that were answered are what the model needs to see before it makes one.
BEFORE = [("London", "rainy, 12C"), ("Rome", "sunny, 25C")]
LAST = "What is the weather in Paris?"

TOOL = {"type": "function", "function": {"name": NAME, "description": ABOUT, "parameters": SCHEMA}}
ANTHROPIC_TOOL = {"name": NAME, "description": ABOUT, "input_schema": SCHEMA}
GEMINI_TOOL = {"function_declarations": [{"name": NAME, "description": ABOUT, "parameters_json_schema": SCHEMA}]}


def messages(arguments=json.dumps):
    """As OpenAI and Ollama have it; `arguments` says how a call's arguments are written."""
    said = []
    for number, (city, weather) in enumerate(BEFORE):
        call = {"name": NAME, "arguments": arguments({"city": city})}
        said += [
            {"role": "user", "content": f"What is the weather in {city}?"},
            {"role": "assistant", "content": "", "tool_calls": [
                {"id": f"call_{number}", "type": "function", "function": call}]},
            {"role": "tool", "tool_call_id": f"call_{number}", "content": weather},
            {"role": "assistant", "content": f"It is {weather} in {city}."},
        ]
    return said + [{"role": "user", "content": LAST}]


def anthropic():
    """As Anthropic has it."""
    said = []
    for number, (city, weather) in enumerate(BEFORE):
        said += [
            {"role": "user", "content": f"What is the weather in {city}?"},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": f"call_{number}", "name": NAME, "input": {"city": city}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": f"call_{number}", "content": weather}]},
            {"role": "assistant", "content": f"It is {weather} in {city}."},
        ]
    return said + [{"role": "user", "content": LAST}]


def gemini():
    """As Gemini has it."""
    said = []
    for city, weather in BEFORE:
        said += [
            {"role": "user", "parts": [{"text": f"What is the weather in {city}?"}]},
            {"role": "model", "parts": [{"function_call": {"name": NAME, "args": {"city": city}}}]},
            {"role": "user", "parts": [{"function_response": {"name": NAME, "response": {"output": weather}}}]},
            {"role": "model", "parts": [{"text": f"It is {weather} in {city}."}]},
        ]
    return said + [{"role": "user", "parts": [{"text": LAST}]}]
