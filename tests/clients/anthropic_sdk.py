"""Anthropic's own Python SDK against a gateway: anthropic_sdk.py BASE_URL MODEL"""

import sys

import anthropic
import tools

base, model = sys.argv[1:3]
client = anthropic.Anthropic(base_url=base, api_key="sk-none", max_retries=0)
hello = [{"role": "user", "content": "Say hello."}]

assert model in [row.id for row in client.models.list(limit=1000)], "it is listed"
assert client.models.retrieve(model).id == model

whole = client.messages.create(model=model, messages=hello, max_tokens=12, extra_body={"temperature": 0})
assert whole.content[0].text and whole.usage.output_tokens > 0 and whole.role == "assistant"

with client.messages.stream(model=model, messages=hello, max_tokens=12, extra_body={"temperature": 0}) as stream:
    text = "".join(stream.text_stream)
    final = stream.get_final_message()
assert final.usage.input_tokens + (final.usage.cache_read_input_tokens or 0) > 5, final.usage
assert text and final.content[0].text == text and final.stop_reason in ("end_turn", "max_tokens")

ask = {"model": model, "messages": tools.anthropic(), "tools": [tools.ANTHROPIC_TOOL], "max_tokens": 200,
       "extra_body": {"temperature": 0}}
called = client.messages.create(**ask)
assert called.content[-1].name == tools.NAME and called.content[-1].input == tools.WANTED, called
with client.messages.stream(**ask) as stream:
    streamed = stream.get_final_message()
assert streamed.content[-1].input == tools.WANTED and streamed.stop_reason == "tool_use", streamed

assert client.messages.count_tokens(model=model, messages=hello).input_tokens > 5

raw = client.messages.with_raw_response.create(model="claude-sonnet-4-5", messages=hello, max_tokens=4)
assert raw.headers["x-pointsman-target"].endswith(f"/{model}"), "a usual name is the default route"

try:
    client.messages.create(model="nope", messages=hello, max_tokens=4)
    raise AssertionError("an unknown model answered")
except anthropic.NotFoundError as error:
    assert error.body["error"]["type"] == "not_found_error", error
print("ok")
