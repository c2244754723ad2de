"""Google's SDK: Gemini with an API key, Vertex with a service account, and how the account gets its token."""

import json
import os
import pathlib

import google.auth.transport.requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google import genai
from google.genai import types
from google.oauth2 import credentials, service_account

import questions
from questions import TOOL
from sdks import frozen
from tape import KEY

SCOPE = ["https://www.googleapis.com/auth/cloud-platform"]
OLD, NEW = "gemini-2.5-flash", "gemini-3.7-flash"
IMAGEN = "imagen-4.0-generate-001"
SHORT = {"system_instruction": questions.SYSTEM, "max_output_tokens": 64}
PLAIN = {**SHORT, "temperature": 0.5, "stop_sequences": questions.STOP}
# `parameters` is an OpenAPI subset, `parameters_json_schema` takes the schema as it is.
DECLARED = {"name": TOOL, "description": questions.ABOUT, "parameters_json_schema": questions.PARAMETERS}
TOOLS = [{"function_declarations": [DECLARED]}]
FORCED = {"function_calling_config": {"mode": "ANY"}}
RESULTS = [
    {"role": "user", "parts": [{"text": questions.WEATHER}]},
    {"role": "model", "parts": [{"function_call": {"name": TOOL, "args": json.loads(questions.ARGUMENTS)}}]},
    {"role": "user", "parts": [{"function_response": {"name": TOOL, "response": json.loads(questions.RESULT)}}]},
]
SEEN = [
    {
        "role": "user",
        "parts": [{"text": questions.SEE}, {"inline_data": {"mime_type": "image/png", "data": questions.PNG}}],
    }
]
VOICE = {"voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}}}


def say():
    """Call, model, contents, settings."""
    schema = {"response_mime_type": "application/json", "response_json_schema": questions.SCHEMA}
    long = {"system_instruction": questions.SYSTEM, "max_output_tokens": 4096}
    yield "chat", OLD, questions.USER, PLAIN
    yield "tools", OLD, questions.WEATHER, {**SHORT, "tools": TOOLS, "tool_config": FORCED}
    yield "tool-results", OLD, RESULTS, {**SHORT, "tools": TOOLS}
    yield "image", OLD, SEEN, {"max_output_tokens": 64}
    yield "schema", OLD, questions.USER, {**SHORT, **schema}
    yield "reasoning", NEW, questions.USER, {**long, "thinking_config": {"thinking_level": "HIGH", "include_thoughts": True}}
    budget = {"thinking_budget": 2048, "include_thoughts": True}
    yield "reasoning-budget", OLD, questions.USER, {**long, "thinking_config": budget}
    picture = {"response_modalities": ["IMAGE"], "image_config": {"aspect_ratio": "1:1"}}
    yield "images", "gemini-3.1-flash-image", questions.PICTURE, picture
    spoken = {"response_modalities": ["AUDIO"], "speech_config": VOICE}
    yield "speech", "gemini-2.5-flash-preview-tts", questions.SPOKEN, spoken


def everything(take, client, embedders, prefix=""):
    models = client.models
    for call, model, contents, settings in say():
        config = types.GenerateContentConfig(**settings)
        question = call.removesuffix("-budget")
        take(call, model, lambda: models.generate_content(model=model, contents=contents, config=config), question, prefix=prefix)
    config = types.GenerateContentConfig(**PLAIN)
    take(
        "chat-stream",
        OLD,
        lambda: models.generate_content_stream(model=OLD, contents=questions.USER, config=config),
        prefix=prefix,
    )
    for call, model, texts in embedders:
        size = types.EmbedContentConfig(output_dimensionality=256)
        take(call, model, lambda: models.embed_content(model=model, contents=texts, config=size), "embeddings", prefix=prefix)
    take("count-tokens", OLD, lambda: models.count_tokens(model=OLD, contents=questions.USER), prefix=prefix)
    take("models", None, lambda: list(models.list(config={"page_size": 1000})), prefix=prefix)


def record(tape):
    first, second = questions.TEXTS
    gemini = [
        ("embeddings", "gemini-embedding-001", [first, second]),
        ("embeddings-2", "gemini-embedding-2", [types.Content(parts=[types.Part(text=text)]) for text in questions.TEXTS]),
        # Two strings are one text in two parts to this model, and make one vector.
        ("embeddings-2-strings", "gemini-embedding-2", [first, second]),
    ]
    take = tape.of("gemini", "google-genai")
    beta = genai.Client(api_key=KEY, http_options={"api_version": "v1beta"})
    everything(take, beta, gemini)
    inlined = [{"contents": [{"role": "user", "parts": [{"text": questions.USER}]}]}]
    take("batches", OLD, lambda: beta.batches.create(model=OLD, src=inlined))
    default = genai.Client(api_key=KEY)
    config = types.GenerateContentConfig(**PLAIN)
    take(
        "chat-default-version",
        OLD,
        lambda: default.models.generate_content(model=OLD, contents=questions.USER, config=config),
        "chat",
    )

    single = [(call, model, [first]) for call, model, _ in gemini[:2]]
    several = [("embeddings-many", "gemini-embedding-001"), ("embeddings-predict", "text-embedding-005")]
    vertexai(tape, [*single, *((call, model, [first, second]) for call, model in several)])
    tokens(tape)


def vertexai(tape, embedders):
    take = tape.of("vertexai", "google-genai")
    bearer = credentials.Credentials("fake-access-token")
    own = {"vertexai": True, "project": "fake-project", "credentials": bearer}
    stable = {"api_version": "v1"}
    central = genai.Client(**own, location="us-central1", http_options=stable)
    everything(take, central, embedders)
    drawn = types.GenerateImagesConfig(number_of_images=1, aspect_ratio="1:1")
    # Imagen is asked on Vertex alone: with an API key the SDK refuses.
    picture = {"model": IMAGEN, "prompt": questions.PICTURE, "config": drawn}
    take("images", IMAGEN, lambda: central.models.generate_images(**picture), prefix="imagen-")
    config = types.GenerateContentConfig(**PLAIN)
    quota = credentials.Credentials("fake-access-token", quota_project_id="fake-quota")
    others = {
        "chat-default-version": genai.Client(**own, location="us-central1"),
        "chat-global": genai.Client(**own, location="global", http_options=stable),
        "chat-eu": genai.Client(**own, location="eu", http_options=stable),
        "chat-express": genai.Client(vertexai=True, api_key=KEY, http_options=stable),
        "chat-quota": genai.Client(**own | {"credentials": quota}, location="us-central1", http_options=stable),
    }
    for call, client in others.items():
        take(call, OLD, lambda: client.models.generate_content(model=OLD, contents=questions.USER, config=config), "chat")


def tokens(tape):
    """The grants: a service account's signed claim, refresh tokens, another identity's token, and speaking for an account."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {
        "type": "service_account",
        "project_id": "fake-project",
        "private_key_id": "fake-key-id",
        "private_key": pem,
        "client_email": "fake@fake-project.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    take = tape.of("vertexai", "google-auth")
    with frozen.google():
        own = service_account.Credentials.from_service_account_info(account, scopes=SCOPE)
        take("token-service-account", None, lambda: own.refresh(google.auth.transport.requests.Request()))
    file = pathlib.Path(os.environ["HOME"]) / "user.json"
    user = {"type": "authorized_user", "client_id": "fake-client", "client_secret": "fake-secret", "refresh_token": "fake-refresh"}
    file.write_text(json.dumps(user))
    loaded, _ = google.auth.load_credentials_from_file(str(file), scopes=SCOPE)
    take("token-user", None, lambda: loaded.refresh(google.auth.transport.requests.Request()))
    home = file.parent
    (home / "subject").write_text("fake-subject-token")
    pool = "//iam.googleapis.com/locations/global/workforcePools/fake-pool/providers/fake-provider"
    foreign = {
        "type": "external_account_authorized_user",
        "audience": pool,
        "client_id": "fake-client",
        "client_secret": "fake-secret",
        "refresh_token": "fake-refresh",
        "token_url": "https://sts.googleapis.com/v1/oauthtoken",
        "token_info_url": "https://sts.googleapis.com/v1/introspect",
    }
    federated = {
        "type": "external_account",
        "audience": pool,
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": str(home / "subject")},
    }
    url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/fake@fake-project.iam.gserviceaccount.com"
    speaking = {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": f"{url}:generateAccessToken",
        "delegates": ["fake-delegate"],
        "source_credentials": user,
    }
    for call, credential, where in [
        ("token-foreign-user", foreign, ""),
        ("token-federated", federated, ""),
        # A token of the user's own comes first.
        ("token-impersonated", speaking, "generateAccessToken"),
    ]:
        file.write_text(json.dumps(credential))
        own, _ = google.auth.load_credentials_from_file(str(file), scopes=SCOPE)
        take(call, None, lambda: own.refresh(google.auth.transport.requests.Request()), where=where)
