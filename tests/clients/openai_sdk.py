"""OpenAI's own Python SDK against a gateway: openai_sdk.py BASE_URL MODEL"""

import json
import sys

import openai
import tools

base, model = sys.argv[1:]
client = openai.OpenAI(base_url=f"{base}/v1", api_key="sk-none", max_retries=0)
hello = [{"role": "user", "content": "Say hello."}]

assert model in [row.id for row in client.models.list()], "it is listed"
assert client.models.retrieve(model).id == model

whole = client.chat.completions.create(model=model, messages=hello, max_tokens=12, temperature=0)
assert whole.choices[0].message.content and whole.usage.completion_tokens > 0

stream = client.chat.completions.create(
    model=model, messages=hello, max_tokens=12, temperature=0, stream=True, stream_options={"include_usage": True})
chunks = list(stream)
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert text == whole.choices[0].message.content, "both say the same"
assert chunks[-1].usage.total_tokens == whole.usage.total_tokens

raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=hello, max_tokens=4)
assert raw.headers["x-pointsman-target"].endswith(f"/{model}"), "a usual name is the default route"

called = client.chat.completions.create(
    model=model, messages=tools.messages(), tools=[tools.TOOL], max_tokens=200, temperature=0)
call = called.choices[0].message.tool_calls[0]
assert call.function.name == "get_weather" and json.loads(call.function.arguments) == {"city": "Paris"}

answer = client.responses.create(model=model, input="Say hello.", max_output_tokens=12, temperature=0)
assert answer.output_text
events = [event.type for event in client.responses.create(
    model=model, input="Say hello.", max_output_tokens=12, temperature=0, stream=True)]
assert events[0] == "response.created" and events[-1] == "response.completed", events

try:
    client.chat.completions.create(model="nope", messages=hello)
    raise AssertionError("an unknown model answered")
except openai.NotFoundError as error:
    assert error.code == "model_not_found", error
try:
    client.chat.completions.create(model=model, messages=hello, extra_body={"model": ["m"]})
    raise AssertionError("a model that is no name answered")
except openai.BadRequestError:
    pass
print("ok")
