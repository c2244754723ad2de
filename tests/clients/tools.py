"""A conversation after which the small test model calls a tool, the same at every run, in OpenAI's shape."""

import json

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather for a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def messages(arguments=json.dumps):
    """The conversation; `arguments` says how a call's arguments are written."""
    said = []
    for number, (city, weather) in enumerate([("London", "rainy, 12C"), ("Rome", "sunny, 25C")]):
        call = {"name": "get_weather", "arguments": arguments({"city": city})}
        said += [
            {"role": "user", "content": f"What is the weather in {city}?"},
            {"role": "assistant", "content": "", "tool_calls": [
                {"id": f"call_{number}", "type": "function", "function": call}]},
            {"role": "tool", "tool_call_id": f"call_{number}", "content": weather},
            {"role": "assistant", "content": f"It is {weather} in {city}."},
        ]
    return said + [{"role": "user", "content": "What is the weather in Paris?"}]
