"""The SDKs with one shape each: Voyage, Perplexity, OpenRouter's own, Databricks, and calls that a vendor's SDK lacks."""

import databricks.sdk
import huggingface_hub
import openrouter
import perplexity
import voyageai

import questions
from questions import ask
from sdks import compatible, openai_
from tape import KEY

HOST = "https://fake-workspace.cloud.databricks.com"


def record(tape):
    voyage(tape)
    perplexity_(tape)
    openrouter_(tape)
    databricks_(tape)
    lacking(tape)


def voyage(tape):
    take = tape.of("voyage", "voyageai")
    client = voyageai.Client(api_key=KEY, max_retries=0)
    size = {"model": "voyage-4", "output_dimension": 256}
    take("embeddings", "voyage-4", lambda: client.embed(questions.TEXTS, **size))
    take("embeddings-query", "voyage-4", lambda: client.embed(questions.TEXTS, input_type="query", **size), "embeddings")
    take("rerank", "rerank-2.5", lambda: client.rerank(questions.QUERY, questions.DOCUMENTS, "rerank-2.5", top_k=1))


def perplexity_(tape):
    take = tape.of("perplexity", "perplexityai")
    client = perplexity.Perplexity(api_key=KEY, max_retries=0)
    create = client.responses.create
    model = "perplexity/sonar"
    short = {"model": model, "instructions": questions.SYSTEM, "max_output_tokens": 64}
    plain = {**short, "input": questions.USER, "temperature": 0.5}
    weather = {**short, "input": questions.WEATHER, "tools": [openai_.RESPONSES_TOOL]}
    results = [
        {"type": "message", "role": "user", "content": questions.WEATHER},
        {"type": "function_call", "call_id": questions.CALL, "name": questions.TOOL, "arguments": questions.ARGUMENTS},
        {"type": "function_call_output", "call_id": questions.CALL, "output": questions.RESULT},
    ]
    city = {"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": questions.SCHEMA}}
    say = {
        "chat": plain,
        "chat-stream": plain | {"stream": True},
        "tools": weather | {"tool_choice": "required"},
        "tool-results": weather | {"input": results},
        "schema": {**short, "input": questions.USER, "response_format": city},
        "reasoning": {**short, "input": questions.USER, "max_output_tokens": 4096, "reasoning": {"effort": "high"}},
    }
    for call, question in say.items():
        take(call, model, lambda: create(**question))
    take("chat-preset", "fast", lambda: create(preset="fast", input=questions.USER), "chat")
    embedder = "pplx-embed-v1-4b"
    take("embeddings", embedder, lambda: client.embeddings.create(**ask("embeddings", embedder)))
    take("models", None, client.models.list)


def openrouter_(tape):
    """OpenRouter's own SDK, beside OpenAI's that most use there."""
    take = tape.of("openrouter", "openrouter")
    client = openrouter.OpenRouter(api_key=KEY)
    model = "openai/gpt-4o"
    take("chat", model, lambda: client.chat.send(**ask("chat", model)), prefix="own-")
    take("chat-stream", model, lambda: client.chat.send(**ask("chat-stream", model)), prefix="own-")
    take("tools", model, lambda: client.chat.send(**ask("tools", model)), prefix="own-")
    think = ask("reasoning", "openai/gpt-5.4-mini", reasoning_effort=None, reasoning={"effort": "high"})
    take("reasoning", think["model"], lambda: client.chat.send(**think), prefix="own-")
    embedder = "openai/text-embedding-3-small"
    take("embeddings", embedder, lambda: client.embeddings.generate(**ask("embeddings", embedder)), prefix="own-")
    ranker = "cohere/rerank-v3.5"
    take("rerank", ranker, lambda: client.rerank.rerank(**ask("rerank", ranker)), prefix="own-")
    take("models", None, client.models.list, prefix="own-")


def databricks_(tape):
    model = "databricks-claude-sonnet-4-6"
    client = compatible.compatible(f"{HOST}/serving-endpoints")
    vendor = compatible.Vendor(
        "databricks",
        "openai",
        client,
        model,
        [*compatible.CHAT, "image", "embeddings"],
        models={"embeddings": "databricks-gte-large-en"},
        changes={"embeddings": {"dimensions": None}, "reasoning": {"reasoning_effort": None, "extra_body": THINKING}},
    )
    compatible.everything(tape.of("databricks", "openai"), vendor)
    take = tape.of("databricks", "databricks-sdk")
    personal = databricks.sdk.WorkspaceClient(host=HOST, token=KEY)
    take("models", None, lambda: list(personal.serving_endpoints.list()), where="serving-endpoints")

    def machine():
        own = databricks.sdk.WorkspaceClient(host=HOST, client_id="fake-client", client_secret="fake-secret")
        return own.config.authenticate()

    take("token-client", None, machine)


THINKING = {"thinking": {"type": "enabled", "budget_tokens": 2048}}


def lacking(tape):
    """Calls that the vendor documents with OpenAI's SDK or plain HTTP, since its own has none."""
    fireworks = compatible.compatible("https://api.fireworks.ai/inference/v1")
    take = tape.of("fireworks", "openai")
    embedder = "fireworks/qwen3-embedding-8b"
    take("embeddings", embedder, lambda: fireworks.embeddings.create(**ask("embeddings", embedder)))
    take("models", None, fireworks.models.list)

    together = compatible.compatible("https://api.together.ai/v1")
    tape.of("together", "openai")("models", None, together.models.list)

    hugging = huggingface_hub.InferenceClient(api_key=f"hf_{KEY}", provider="hf-inference")
    embedder = "intfloat/multilingual-e5-large"
    tape.of("huggingface", "huggingface_hub")(
        "embeddings", embedder, lambda: hugging.feature_extraction(questions.TEXTS, model=embedder), where="feature-extraction"
    )
    # Where a vendor documents the Responses API.
    for provider, base_url, model in (
        ("xai", "https://api.x.ai/v1", "grok-4.3"),
        ("groq", "https://api.groq.com/openai/v1", "openai/gpt-oss-120b"),
    ):
        openai_.responses(tape.of(provider, "openai"), compatible.compatible(base_url), model, model)
    bedrock = compatible.compatible("https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1")
    oss = "openai.gpt-oss-120b-1:0"
    tape.of("bedrock", "openai")(
        "openai-chat", oss, lambda: bedrock.chat.completions.create(**ask("chat", oss)), question="chat"
    )
    router = compatible.compatible("https://router.huggingface.co/v1")
    take = tape.of("huggingface", "openai")
    take("reasoning", "openai/gpt-oss-120b", lambda: router.chat.completions.create(**ask("reasoning", "openai/gpt-oss-120b")))
    take("models", None, router.models.list)
