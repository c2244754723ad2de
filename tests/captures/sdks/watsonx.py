"""IBM's own SDK: the token for an API key, and watsonx.ai with it."""

import ibm_watsonx_ai
from ibm_watsonx_ai.foundation_models import Embeddings, ModelInference, Rerank

import questions
from questions import ask
from tape import KEY

URL = "https://us-south.ml.cloud.ibm.com"
MODEL, THINK, SEE = "ibm/granite-4-h-small", "openai/gpt-oss-120b", "meta-llama/llama-4-maverick-17b-128e-instruct-fp8"


def record(tape):
    take = tape.of("watsonx", "ibm-watsonx-ai")
    made = []

    def connect(**also):
        made.append(ibm_watsonx_ai.APIClient(ibm_watsonx_ai.Credentials(url=URL, api_key=KEY), **also))

    take("token-api-key", None, lambda: connect(project_id="fake-project"))
    if not made:
        return
    project = made[0]

    def chat(call, model, stream=False, **changes):
        question = ask(call, model, **changes)
        messages, tools = question.pop("messages"), question.pop("tools", None)
        choice = question.pop("tool_choice", None)
        for field in ("model", "stream"):
            question.pop(field, None)
        inference = ModelInference(model_id=model, api_client=project, validate=False, max_retries=0)
        ask_it = inference.chat_stream if stream else inference.chat
        take(call, model, lambda: ask_it(messages, question, tools, tool_choice_option=choice), where="/text/chat")

    chat("chat", MODEL)
    chat("chat-stream", MODEL, stream=True)
    chat("tools", MODEL)
    chat("tool-results", MODEL)
    chat("image", SEE)
    chat("schema", MODEL)
    chat("reasoning", THINK)
    embedder = "ibm/granite-embedding-278m-multilingual"
    take(
        "embeddings",
        embedder,
        lambda: Embeddings(model_id=embedder, api_client=project).embed_documents(questions.TEXTS),
        where="/text/embeddings",
    )
    ranker = "cross-encoder/ms-marco-minilm-l-12-v2"
    top = {"return_options": {"top_n": 1}}
    take(
        "rerank",
        ranker,
        lambda: Rerank(model_id=ranker, params=top, api_client=project).generate(questions.QUERY, questions.DOCUMENTS),
        where="/text/rerank",
    )
    take("models", None, project.foundation_models.get_model_specs, where="foundation_model_specs")
