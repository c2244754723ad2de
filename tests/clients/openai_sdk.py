"""OpenAI's own Python SDK against a gateway: openai_sdk.py BASE_URL MODEL EMBEDDER"""

import json
import sys

import openai
import tools

base, model, embedder = sys.argv[1:]
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
assert call.function.name == tools.NAME and json.loads(call.function.arguments) == tools.WANTED
assert called.choices[0].finish_reason == "tool_calls", called
with client.chat.completions.stream(
        model=model, messages=tools.messages(), tools=[tools.TOOL], max_tokens=200, temperature=0) as stream:
    streamed = stream.get_final_completion().choices[0].message.tool_calls[0]
assert streamed.id and streamed.function.name == tools.NAME and json.loads(streamed.function.arguments) == tools.WANTED

answer = client.responses.create(model=model, input="Say hello.", max_output_tokens=12, temperature=0)
assert answer.output_text
events = [event.type for event in client.responses.create(
    model=model, input="Say hello.", max_output_tokens=12, temperature=0, stream=True)]
assert events[0] == "response.created" and events[-1] in ("response.completed", "response.incomplete"), events

# The SDK asks for base64 unless it is told otherwise, and reads it back into numbers.
vectors = client.embeddings.create(model=embedder, input=["one", "two"]).data
plain = client.embeddings.create(model=embedder, input=["one", "two"], encoding_format="float").data
assert [row.index for row in vectors] == [0, 1] and len(vectors[0].embedding) == len(plain[0].embedding) > 100
assert all(abs(a - b) < 1e-4 for a, b in zip(vectors[1].embedding, plain[1].embedding)), "both are the same numbers"

# Three turns by an id, a tool's call between them.
said = []
for message in tools.messages():
    if message["role"] == "tool":
        said.append({"type": "function_call_output", "call_id": message["tool_call_id"], "output": message["content"]})
    elif message.get("tool_calls"):
        said += [{"type": "function_call", "call_id": call["id"], **call["function"]} for call in message["tool_calls"]]
    elif message["role"] == "assistant":
        content = [{"type": "output_text", "text": message["content"], "annotations": []}]
        said.append({"type": "message", "role": "assistant", "content": content})
    else:
        said.append({"role": message["role"], "content": message["content"]})
tool = {"type": "function", **tools.TOOL["function"], "strict": False}
asked = {"model": model, "tools": [tool], "max_output_tokens": 60, "temperature": 0}
first = client.responses.create(input=said, **asked)
call = next(item for item in first.output if item.type == "function_call")
assert json.loads(call.arguments) == {"city": "Paris"}
output = {"type": "function_call_output", "call_id": call.call_id, "output": "windy, 9C"}
events = list(client.responses.create(input=[output], previous_response_id=first.id, stream=True, **asked))
assert events[-1].type in ["response.completed", "response.incomplete"], events
second = events[-1].response
assert second.previous_response_id == first.id and second.usage.input_tokens > first.usage.input_tokens
third = client.responses.create(input="And in Rome?", previous_response_id=second.id, **asked)
assert third.previous_response_id == second.id and third.usage.input_tokens > second.usage.input_tokens
again = client.responses.retrieve(second.id)
assert again.id == second.id and again.output_text == second.output_text
items = list(client.responses.input_items.list(first.id, limit=3, order="asc"))
assert len(items) == len(said) and items[0].content[0].text == said[0]["content"], items
assert [item.type for item in client.responses.input_items.list(second.id)] == ["function_call_output"]
for id in [third.id, second.id]:
    client.responses.delete(id)
try:
    client.responses.retrieve(second.id)
    raise AssertionError("a deleted response was answered")
except openai.NotFoundError as error:
    assert error.code == "response_not_found", error
try:
    client.responses.create(input="And now?", previous_response_id=second.id, **asked)
    raise AssertionError("went on from a deleted response")
except openai.BadRequestError as error:
    assert error.code == "previous_response_not_found" and error.param == "previous_response_id", error
try:
    client.responses.cancel(first.id)
    raise AssertionError("a synchronous response was cancelled")
except openai.BadRequestError:
    pass

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
