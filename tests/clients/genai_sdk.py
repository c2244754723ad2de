"""Google's own Python SDK against a gateway: genai_sdk.py BASE_URL MODEL EMBEDDER"""

import sys

import tools
from google import genai
from google.genai import errors, types

base, model, embedder = sys.argv[1:]
client = genai.Client(api_key="none", http_options=types.HttpOptions(base_url=base))
short = {"max_output_tokens": 12, "temperature": 0}
hello = "Say hello."

assert f"models/{model}" in [row.name for row in client.models.list()], "it is listed"
row = client.models.get(model=model)
assert row.name == f"models/{model}" and row.input_token_limit > 1000, row

whole = client.models.generate_content(model=model, contents=hello, config=short)
assert whole.text and whole.usage_metadata.candidates_token_count > 0, whole
parts = list(client.models.generate_content_stream(model=model, contents=hello, config=short))
assert "".join(part.text or "" for part in parts) == whole.text, "both say the same"
assert parts[-1].usage_metadata.total_token_count == whole.usage_metadata.total_token_count, parts[-1]
assert parts[-1].candidates[0].finish_reason in ("STOP", "MAX_TOKENS"), parts[-1]

called = {"tools": [tools.GEMINI_TOOL], "max_output_tokens": 200, "temperature": 0}
call = client.models.generate_content(model=model, contents=tools.gemini(), config=called).function_calls[0]
assert call.name == tools.NAME and call.args == tools.WANTED, call
streamed = [call for part in client.models.generate_content_stream(model=model, contents=tools.gemini(), config=called)
            for call in part.function_calls or []]
assert [call.args for call in streamed] == [tools.WANTED], streamed

assert client.models.count_tokens(model=model, contents=hello).total_tokens > 2
vectors = client.models.embed_content(model=embedder, contents=["one", "two"]).embeddings
assert len(vectors) == 2 and len(vectors[0].values) > 100

chat = client.chats.create(model="gemini-2.5-flash", config=short)
assert chat.send_message(hello).text, "a usual name is the default route"
assert chat.send_message("And again.").text

try:
    client.models.generate_content(model="nope", contents=hello)
    raise AssertionError("an unknown model answered")
except errors.ClientError as error:
    assert (error.code, error.status) == (404, "NOT_FOUND"), error
print("ok")
