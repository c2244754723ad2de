"""Azure OpenAI through OpenAI's SDK, by both of its URL schemes, and Entra's token through Azure's."""

import azure.identity
import openai

import questions
from sdks import compatible, openai_
from tape import KEY

RESOURCE = "https://fake-resource.openai.azure.com"
CHAT, THINK = "my-gpt-4o", "my-gpt-5-mini"
NAMES = {
    "embeddings": "my-embedding",
    "images": "my-image",
    "speech": "my-tts",
    "transcription": "my-whisper",
}
DATED = "2024-10-21"


def record(tape):
    take = tape.of("azureopenai", "openai")
    # As Microsoft documents it: the plain client, the key as a bearer.
    new = openai.OpenAI(base_url=f"{RESOURCE}/openai/v1/", api_key=KEY, max_retries=0)
    openai_.everything(take, new, CHAT, THINK, NAMES)
    take("models", None, new.models.list)
    take("batches", None, lambda: new.batches.create(**openai_.BATCH))

    old = openai.AzureOpenAI(azure_endpoint=RESOURCE, api_key=KEY, api_version=DATED, max_retries=0)
    dated(take, old)
    entra = openai.AzureOpenAI(
        azure_endpoint=RESOURCE,
        azure_ad_token_provider=lambda: "fake-access-token",
        api_version=DATED,
        max_retries=0,
    )
    question = questions.ask("chat", CHAT)
    take("deployment-chat-entra", CHAT, lambda: entra.chat.completions.create(**question), question="chat")
    tokens(tape)


def dated(take, client):
    """The older scheme: chat and its like by deployment, the rest beside them."""
    calls = ["chat", "chat-stream", "tools", *NAMES]
    compatible.everything(take, compatible.Vendor("", "", client, CHAT, calls, models=NAMES), prefix="deployment-")
    plain = {"model": CHAT, "instructions": questions.SYSTEM, "input": questions.USER}
    short = {"max_output_tokens": 64, "temperature": 0.5}
    take("responses-chat", CHAT, lambda: client.responses.create(**plain, **short), "chat", prefix="dated-")
    take("models", None, client.models.list, prefix="dated-")
    take("batches", None, lambda: client.batches.create(**openai_.BATCH), prefix="dated-")


def tokens(tape):
    scopes = {
        "azureopenai": "https://cognitiveservices.azure.com/.default",
        "azureanthropic": "https://ai.azure.com/.default",
    }
    for provider, scope in scopes.items():
        secret = azure.identity.ClientSecretCredential("fake-tenant", "fake-client", "fake-secret")
        tape.of(provider, "azure-identity")("token-client", None, lambda: secret.get_token(scope))
