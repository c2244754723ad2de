"""The shortest answers that an SDK can read, by what was asked. Not fixtures: what an SDK makes of them is not recorded."""

import base64
import json
import re
import struct
import zlib

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
CHAT = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "system_fingerprint": None,
    "usage": USAGE,
}
CHUNK = {
    "id": "c1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
}
RESPONSE = {
    "id": "r1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "m",
    "output": [
        {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
MESSAGE = {
    "id": "m1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": '{"city":"Paris","people":2}'}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}
GEMINI = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
}
CONVERSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
    "metrics": {"latencyMs": 1},
}
COHERE = {
    "id": "c1",
    "finish_reason": "COMPLETE",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
    "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 2}},
}
EMBEDDINGS = {
    "id": "e1",
    "object": "list",
    "model": "m",
    "data": [{"object": "embedding", "index": at, "embedding": [0.5, 0.5]} for at in (0, 1)],
    "usage": {"prompt_tokens": 3, "total_tokens": 3},
}
RERANK = {
    "id": "r1",
    "object": "rerank",
    "model": "m",
    "results": [{"index": 0, "relevance_score": 0.9, "score": 0.9}],
    "data": [{"index": 0, "relevance_score": 0.9}],
    "usage": USAGE,
    "meta": {"billed_units": {"search_units": 1}},
    "created_at": "2026-01-01T00:00:00Z",
    "model_id": "m",
}
TOKEN = {
    "access_token": "fake-access-token",
    "refresh_token": "fake-refresh-token",
    "token_type": "Bearer",
    "expires_in": 3600,
    # The end of 2035, for the SDKs that look at the clock.
    "expiration": 2082758400,
    "scope": "all-apis",
}
OIDC = {
    "authorization_endpoint": "https://{host}/oidc/v1/authorize",
    "token_endpoint": "https://{host}/oidc/v1/token",
    "issuer": "https://{host}/oidc",
}
ENTRA = {
    "authorization_endpoint": "https://login.microsoftonline.com/fake-tenant/oauth2/v2.0/authorize",
    "token_endpoint": "https://login.microsoftonline.com/fake-tenant/oauth2/v2.0/token",
    "issuer": "https://login.microsoftonline.com/fake-tenant/v2.0",
    "tenant_discovery_endpoint": "https://login.microsoftonline.com/fake-tenant/v2.0/.well-known/openid-configuration",
    "api-version": "1.1",
    "metadata": [],
}


# IBM's SDK reads when it ends out of the token itself.
IBM = TOKEN | {"access_token": ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (
    b'{"alg":"none"}', b'{"exp":2082758400,"iat":1}', b"fake"
))}
PROJECT = {"metadata": {"guid": "p"}, "entity": {"name": "p", "storage": {"type": "bmcos_object_storage"}}}
MODEL_CARD = {"id": "m", "pipeline_tag": "feature-extraction", "tags": [], "library_name": "sentence-transformers"}


def data(*events):
    return "text/event-stream", "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()


def done(*events):
    kind, body = data(*events)
    return kind, body + b"data: [DONE]\n\n"


def named(*events):
    return "text/event-stream", "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events).encode()


def frame(event, payload):
    """One frame of AWS's event stream."""
    said = b""
    named = {":event-type": event, ":content-type": "application/json", ":message-type": "event"}
    for name, value in named.items():
        said += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    payload = json.dumps(payload).encode()
    head = struct.pack(">II", 16 + len(said) + len(payload), len(said))
    whole = head + struct.pack(">I", zlib.crc32(head)) + said + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def aws(*frames):
    return "application/vnd.amazon.eventstream", b"".join(frame(*one) for one in frames)


def chat(asked):
    return done(CHUNK) if asked.get("stream") else CHAT


def responses(asked):
    if not asked.get("stream"):
        return RESPONSE
    return named(
        {"type": "response.created", "sequence_number": 0, "response": RESPONSE | {"status": "in_progress", "output": []}},
        {"type": "response.completed", "sequence_number": 1, "response": RESPONSE},
    )


def messages(asked):
    if not asked.get("stream"):
        return MESSAGE
    return named(
        {"type": "message_start", "message": MESSAGE | {"content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    )


def cohere(asked):
    if not asked.get("stream"):
        return COHERE
    return data(
        {"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant"}}},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": COHERE["usage"]}},
    )


ANSWERS = [
    (r"/v2/chat$", cohere),
    (r"/v2/embed$", {"id": "e1", "embeddings": {"float": [[0.5]]}, "texts": ["t"], "response_type": "embeddings_by_type"}),
    (r"/text/chat$", CHAT),
    # IBM's SDK takes a [DONE] for an error.
    (r"/text/chat_stream", data(CHUNK)),
    (r"/text/embeddings", {"model_id": "m", "results": [{"embedding": [0.5]}], "created_at": "x", "input_token_count": 3}),
    (r"/chat/completions$|/serving-endpoints/[^/]+/invocations$", chat),
    (r"/(responses|agent)$", responses),
    (r"count[-_]tokens", {"input_tokens": 3, "inputTokens": 3}),
    (r":rawPredict$", MESSAGE),
    (r":streamRawPredict$", lambda _: messages({"stream": True})),
    (r"/messages$", messages),
    (r":countTokens$", {"totalTokens": 3}),
    (r":generateContent$", GEMINI),
    (r":streamGenerateContent$", data(GEMINI)),
    (r":(batchEmbedContents|embedContent)$", {"embeddings": [{"values": [0.5]}], "embedding": {"values": [0.5]}}),
    (r":batchGenerateContent$", {"name": "batches/b1", "metadata": {"state": "BATCH_STATE_PENDING"}}),
    (r":predict$", {"predictions": [{"embeddings": {"values": [0.5], "statistics": {"token_count": 1, "truncated": False}}}]}),
    (r"/converse$", CONVERSE),
    (r"/converse-stream$", aws(("messageStart", {"role": "assistant"}), ("messageStop", {"stopReason": "end_turn"}))),
    (r"/invoke$", MESSAGE),
    (r"/invocations$", CHAT),
    (r"/invoke-with-response-stream$|/invocations-response-stream$", aws(("chunk", {"bytes": "e30="}))),
    (r"/foundation-models$", {"modelSummaries": []}),
    (r"/inference-profiles$", {"inferenceProfileSummaries": []}),
    (r"api\.sagemaker", {"Endpoints": []}),
    (r"/rerank", RERANK),
    (r"embeddings$", EMBEDDINGS),
    (r"/feature-extraction$", [[0.5, 0.5]]),
    (r"/moderations$", {"id": "m1", "model": "m", "results": [{"flagged": False, "categories": {}, "category_scores": {}}]}),
    (r"/images/|/text-to-image", {"id": "i1", "object": "list", "model": "m", "created": 1, "data": [{"index": 0, "b64_json": "AA=="}]}),
    (r"api\.mistral\.ai/v1/audio/speech$", {"audio_data": "AA=="}),
    (r"/audio/speech$", ("audio/mpeg", b"ID3")),
    (r"/audio/(transcriptions|translations)$", {"text": "Hello.", "model": "m", "language": "en", "usage": USAGE, "segments": []}),
    (r"/batch(es|/jobs)$", {"id": "b1", "object": "batch", "model": "m", "data": [], "processing_status": "in_progress"}),
    (r"/api/2.0/serving-endpoints$", {"endpoints": []}),
    (r"/openid-configuration|/discovery/instance", ENTRA),
    (r"oauth-authorization-server", OIDC),
    (r"/databricks-config$", {"oidc_endpoint": "https://{host}/oidc", "workspace_id": "1"}),
    (r"/v2/projects/", PROJECT),
    (r"iam\.cloud\.ibm\.com/identity/token$", IBM),
    (r"/(oauth)?token$", TOKEN),
    (r":generateAccessToken$", {"accessToken": "fake-access-token", "expireTime": "2035-12-31T00:00:00Z"}),
    (r"huggingface\.co/api/models/", MODEL_CARD),
    (r"api\.together\.\w+/v1/models", []),
    (r"foundation_model_specs$", {"resources": [], "total_count": 0, "limit": 1, "first": {"href": "x"}}),
    (r"/models(\?|$)", {"object": "list", "data": [], "models": [], "publisherModels": [], "has_more": False}),
]


def answer(request):
    """The status, the content type and the body that answer this request."""
    where = request.host + request.target.split("?")[0]
    said = next((said for pattern, said in ANSWERS if re.search(pattern, where)), None)
    if said is None:
        return 404, "application/json", b"{}"
    if callable(said):
        said = said(json.loads(request.body or b"{}"))
    if isinstance(said, tuple):
        return 200, *said
    return 200, "application/json", json.dumps(said).replace("{host}", request.host).encode()
