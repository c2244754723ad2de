"""Ollama's own Python SDK against a gateway: ollama_sdk.py BASE_URL MODEL EMBEDDER"""

import sys

import ollama
import tools

base, model, embedder = sys.argv[1:]
client = ollama.Client(host=base)
hello = [{"role": "user", "content": "Say hello."}]
short = {"num_predict": 12, "temperature": 0}

# As Ollama does, a name without a tag is listed with one.
assert model in [row.model.removesuffix(":latest") for row in client.list().models], "it is listed"
assert "tools" in client.show(model).capabilities

whole = client.chat(model=model, messages=hello, options=short)
assert whole.message.content and whole.done and whole.eval_count > 0
text = "".join(part.message.content for part in client.chat(model=model, messages=hello, options=short, stream=True))
assert text == whole.message.content, "both say the same"
assert client.generate(model=model, prompt="Once", options=short).response
assert len(client.embed(model=embedder, input=["one", "two"]).embeddings) == 2
assert client.ps().models is not None

said = tools.messages(arguments=lambda value: value)
ask = {"model": model, "messages": said, "tools": [tools.TOOL], "options": {"num_predict": 200, "temperature": 0}}
called = client.chat(**ask)
assert called.message.tool_calls[0].function.arguments == tools.WANTED, called
streamed = [call.function.arguments for part in client.chat(**ask, stream=True)
            for call in part.message.tool_calls or []]
assert streamed == [tools.WANTED], streamed

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
