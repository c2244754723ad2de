"""The `llm` command against a gateway: llm_cli.py BASE_URL MODEL"""

import os
import pathlib
import subprocess
import sys
import tempfile

base, model = sys.argv[1:3]
with tempfile.TemporaryDirectory() as folder:
    rows = f"- model_id: here\n  model_name: {model}\n  api_base: {base}/v1\n  supports_tools: true\n"
    unknown = f"- model_id: unknown\n  model_name: nope\n  api_base: {base}/v1\n"
    pathlib.Path(folder, "extra-openai-models.yaml").write_text(rows + unknown)

    def llm(*arguments):
        program = pathlib.Path(sys.executable).parent / "llm"
        return subprocess.run([program, *arguments], env={**os.environ, "LLM_USER_PATH": folder}, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)

    short = ("-m", "here", "-o", "max_tokens", "12", "-o", "temperature", "0", "Say hello.")
    streamed, whole = llm(*short), llm("--no-stream", *short)
    assert streamed.returncode == 0 and streamed.stdout.strip(), streamed
    assert streamed.stdout == whole.stdout, (streamed, whole)
    tooled = llm("--functions", "def get_weather(city: str) -> str:\n    'Weather'\n    return 'sunny'", *short)
    assert tooled.returncode == 0, tooled
    wrong = llm("-m", "unknown", "Say hello.")
    assert wrong.returncode != 0 and "nope" in wrong.stderr, wrong
print("ok")
