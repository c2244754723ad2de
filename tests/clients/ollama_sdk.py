"""Ollama's own Python SDK against a gateway: ollama_sdk.py BASE_URL MODEL"""

import sys

import ollama
import tools

base, model = sys.argv[1:]
client = ollama.Client(host=base)
hello = [{"role": "user", "content": "Say hello."}]
short = {"num_predict": 12, "temperature": 0}

assert model in [row.model for row in client.list().models], "it is listed"
assert "tools" in client.show(model).capabilities

whole = client.chat(model=model, messages=hello, options=short)
assert whole.message.content and whole.done and whole.eval_count > 0
text = "".join(part.message.content for part in client.chat(model=model, messages=hello, options=short, stream=True))
assert text == whole.message.content, "both say the same"
assert client.generate(model=model, prompt="Once", options=short).response
assert len(client.embed(model=model, input=["one", "two"]).embeddings) == 2
assert client.ps().models is not None

said = tools.messages(arguments=lambda value: value)
called = client.chat(model=model, messages=said, tools=[tools.TOOL], options={"num_predict": 200, "temperature": 0})
assert called.message.tool_calls[0].function.arguments == {"city": "Paris"}, called

for refused in (lambda: client.pull("x"), lambda: client.delete(model), lambda: client.copy(model, "x")):
    try:
        refused()
        raise AssertionError("a state was changed")
    except ollama.ResponseError as error:
        assert error.status_code == 403 and "not offered" in error.error, error
try:
    client.chat(model="nope", messages=hello)
    raise AssertionError("an unknown model answered")
except ollama.ResponseError as error:
    assert error.status_code == 404, error
print("ok")
