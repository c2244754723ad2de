"""AWS's own SDK: Bedrock (Converse, InvokeModel, the control plane) and SageMaker."""

import base64
import json
import os

import boto3
import botocore.config

import questions
from questions import CALL, TOOL
from sdks import frozen
from tape import KEY

NOVA, CLAUDE, THINK = "amazon.nova-pro-v1:0", "us.anthropic.claude-haiku-4-5-20251001-v1:0", "us.anthropic.claude-sonnet-5-5"
ONCE = botocore.config.Config(retries={"total_max_attempts": 1})

SYSTEM = [{"text": questions.SYSTEM}]
USER = [{"role": "user", "content": [{"text": questions.USER}]}]
WEATHER = {"role": "user", "content": [{"text": questions.WEATHER}]}
SPEC = {"name": TOOL, "description": questions.ABOUT, "inputSchema": {"json": questions.PARAMETERS}}
TOOLS = {"tools": [{"toolSpec": SPEC}]}
SHORT = {"system": SYSTEM, "inferenceConfig": {"maxTokens": 64}}
LIMITS = {"maxTokens": 64, "temperature": 0.5, "stopSequences": questions.STOP}
PLAIN = {"system": SYSTEM, "messages": USER, "inferenceConfig": LIMITS}
RESULTS = [
    WEATHER,
    {
        "role": "assistant",
        "content": [{"toolUse": {"toolUseId": CALL, "name": TOOL, "input": json.loads(questions.ARGUMENTS)}}],
    },
    {"role": "user", "content": [{"toolResult": {"toolUseId": CALL, "content": [{"text": questions.RESULT}]}}]},
]
PICTURE = {"image": {"format": "png", "source": {"bytes": base64.b64decode(questions.PNG)}}}
SCHEMA = {"schema": json.dumps(questions.SCHEMA), "name": "city"}
CONVERSE = {
    "tools": {**SHORT, "messages": [WEATHER], "toolConfig": {**TOOLS, "toolChoice": {"any": {}}}},
    "tool-results": {**SHORT, "messages": RESULTS, "toolConfig": TOOLS},
    "image": {"messages": [{"role": "user", "content": [{"text": questions.SEE}, PICTURE]}], "inferenceConfig": {"maxTokens": 64}},
    "schema": {
        **SHORT,
        "messages": USER,
        "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": SCHEMA}}},
    },
}
LONG = {"system": SYSTEM, "messages": USER, "inferenceConfig": {"maxTokens": 4096}}
ADAPTIVE = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}
REASONING = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}


def client(service, **also):
    return boto3.client(service, region_name=frozen.REGION, config=ONCE, **also)


def record(tape):
    keys = {"aws_access_key_id": frozen.ACCESS, "aws_secret_access_key": frozen.SECRET}
    with frozen.aws():
        bedrock(tape.of("bedrock", "boto3"), keys)
        sagemaker(tape.of("sagemaker", "boto3"), keys)


def bedrock(take, keys):
    runtime = client("bedrock-runtime", **keys)
    take("chat", NOVA, lambda: runtime.converse(modelId=NOVA, **PLAIN))
    take("chat-stream", NOVA, lambda: runtime.converse_stream(modelId=NOVA, **PLAIN)["stream"])
    for call, question in CONVERSE.items():
        take(call, NOVA, lambda: runtime.converse(modelId=NOVA, **question))
    for model, extra, prefix in ((THINK, ADAPTIVE, ""), ("amazon.nova-2-lite-v1:0", REASONING, "nova-")):
        take(
            "reasoning",
            model,
            lambda: runtime.converse(modelId=model, **LONG, additionalModelRequestFields=extra),
            prefix=prefix,
        )
    session = client("bedrock-runtime", **keys, aws_session_token=frozen.SESSION)
    take("chat-session", NOVA, lambda: session.converse(modelId=NOVA, **PLAIN), question="chat")
    profile = f"arn:aws:bedrock:{frozen.REGION}:123456789012:application-inference-profile/abc"
    take("chat-arn", profile, lambda: runtime.converse(modelId=profile, **PLAIN), question="chat")
    counted = {"converse": {"system": SYSTEM, "messages": USER}}
    take("count-tokens", CLAUDE, lambda: runtime.count_tokens(modelId=CLAUDE, input=counted))
    titan = {"inputText": questions.TEXTS[0], "dimensions": 256, "normalize": True}
    cohere = {"texts": questions.TEXTS, "input_type": "search_document", "embedding_types": ["float"], "output_dimension": 256}
    picture = {
        "taskType": "TEXT_IMAGE",
        "textToImageParams": {"text": questions.PICTURE},
        "imageGenerationConfig": {"numberOfImages": 1, "width": 1024, "height": 1024},
    }
    invoke(take, runtime, "embeddings", "amazon.titan-embed-text-v2:0", titan)
    invoke(take, runtime, "embeddings", "cohere.embed-v4:0", cohere, prefix="cohere-")
    invoke(take, runtime, "images", "amazon.nova-canvas-v1:0", picture)
    order = {"query": questions.QUERY, "documents": questions.DOCUMENTS, "top_n": 1}
    invoke(take, runtime, "rerank", "cohere.rerank-v3-5:0", order | {"api_version": 2}, prefix="invoke-")
    invoke(take, runtime, "rerank", "amazon.rerank-v1:0", order, prefix="invoke-amazon-")
    agent = client("bedrock-agent-runtime", **keys)
    model = f"arn:aws:bedrock:{frozen.REGION}::foundation-model/cohere.rerank-v3-5:0"
    take("rerank", "cohere.rerank-v3-5:0", lambda: agent.rerank(**rerank(model)))
    control = client("bedrock", **keys)
    take("models", None, control.list_foundation_models)
    take("models-profiles", None, lambda: control.list_inference_profiles(typeEquals="SYSTEM_DEFINED", maxResults=1000))
    bearer(take)


def invoke(take, runtime, call, model, body, prefix=""):
    sent = {"body": json.dumps(body), "contentType": "application/json", "accept": "application/json"}
    take(call, model, lambda: runtime.invoke_model(modelId=model, **sent), prefix=prefix)


def rerank(model):
    documents = [{"type": "TEXT", "textDocument": {"text": text}} for text in questions.DOCUMENTS]
    return {
        "queries": [{"type": "TEXT", "textQuery": {"text": questions.QUERY}}],
        "sources": [{"type": "INLINE", "inlineDocumentSource": document} for document in documents],
        "rerankingConfiguration": {
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": {"numberOfResults": 1, "modelConfiguration": {"modelArn": model}},
        },
    }


def bearer(take):
    os.environ["AWS_BEARER_TOKEN_BEDROCK"] = KEY
    try:
        runtime, control = client("bedrock-runtime"), client("bedrock")
        take("chat-bearer", NOVA, lambda: runtime.converse(modelId=NOVA, **PLAIN), question="chat")
        take("chat-stream-bearer", NOVA, lambda: runtime.converse_stream(modelId=NOVA, **PLAIN)["stream"], question="chat-stream")
        take("models-bearer", None, control.list_foundation_models, question="models")
    finally:
        del os.environ["AWS_BEARER_TOKEN_BEDROCK"]


def sagemaker(take, keys):
    runtime = client("sagemaker-runtime", **keys)
    name = "fake-endpoint"
    # What a container of AWS's (vLLM, LMI) takes: the endpoint is the model.
    chat = {key: value for key, value in questions.ask("chat", name).items() if key != "model"}
    sent = {"EndpointName": name, "ContentType": "application/json", "Accept": "application/json"}
    take("chat", name, lambda: runtime.invoke_endpoint(**sent, Body=json.dumps(chat)))
    take(
        "chat-stream",
        name,
        lambda: runtime.invoke_endpoint_with_response_stream(**sent, Body=json.dumps(chat | {"stream": True}))["Body"],
    )
    take("embeddings", name, lambda: runtime.invoke_endpoint(**sent, Body=json.dumps({"inputs": questions.TEXTS})))
    session = client("sagemaker-runtime", **keys, aws_session_token=frozen.SESSION)
    take("chat-session", name, lambda: session.invoke_endpoint(**sent, Body=json.dumps(chat)), question="chat")
    control = client("sagemaker", **keys)
    take("models", None, lambda: control.list_endpoints(StatusEquals="InService", MaxResults=100))
