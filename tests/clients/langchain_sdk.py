"""LangChain against a gateway, by three of its integrations: langchain_sdk.py BASE_URL MODEL EMBEDDER"""

import sys

import tools
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

base, model, embedder = sys.argv[1:]

said = []
for number, (city, weather) in enumerate(tools.BEFORE):
    call = {"name": tools.NAME, "args": {"city": city}, "id": f"call_{number}", "type": "tool_call"}
    said += [
        HumanMessage(f"What is the weather in {city}?"),
        AIMessage("", tool_calls=[call]),
        ToolMessage(weather, tool_call_id=call["id"]),
        AIMessage(f"It is {weather} in {city}."),
    ]
said.append(HumanMessage(tools.LAST))


def openai(tokens):
    # Elsewhere than at OpenAI it asks for a stream's usage only when told to.
    return ChatOpenAI(base_url=f"{base}/v1", api_key="sk-none", model=model, temperature=0, max_tokens=tokens,
                      stream_usage=True)


def responses(tokens):
    return ChatOpenAI(base_url=f"{base}/v1", api_key="sk-none", model=model, temperature=0, max_tokens=tokens,
                      use_responses_api=True)


def anthropic(tokens):
    return ChatAnthropic(base_url=base, api_key="sk-none", model=model, temperature=0, max_tokens=tokens)


def ollama(tokens):
    return ChatOllama(base_url=base, model=model, temperature=0, num_predict=tokens)


for make in (openai, responses, anthropic, ollama):
    whole = make(12).invoke("Say hello.")
    assert whole.text and whole.usage_metadata["output_tokens"] > 0, (make, whole)
    stream = None
    for part in make(12).stream("Say hello."):
        stream = part if stream is None else stream + part
    assert stream.text == whole.text, (make, whole, stream)
    assert stream.usage_metadata["total_tokens"] == whole.usage_metadata["total_tokens"], (make, whole, stream)
    tooled = make(200).bind_tools([tools.TOOL])
    called = tooled.invoke(said)
    assert [call["args"] for call in called.tool_calls] == [tools.WANTED], (make, called)
    stream = None
    for part in tooled.stream(said):
        stream = part if stream is None else stream + part
    assert [call["args"] for call in stream.tool_calls] == [tools.WANTED], (make, stream)

# Without a tokenizer from the network: the texts go as they are.
vectors = OpenAIEmbeddings(base_url=f"{base}/v1", api_key="sk-none", model=embedder, check_embedding_ctx_length=False)
assert len(vectors.embed_documents(["one", "two"])) == 2
assert len(OllamaEmbeddings(base_url=base, model=embedder).embed_documents(["one", "two"])) == 2
print("ok")
