"""What of a request is worth keeping, in a form that is the same bytes at every recording."""

import base64
import email
import json
import pathlib
import urllib.parse

from questions import QUESTIONS

HERE = pathlib.Path(__file__).parent

# Headers left out of every fixture. Everything else is kept, so that a header we did not know shows up.
LEFT_OUT = {
    "host": "it is in the URL",
    "connection": "transport",
    "content-length": "transport",
    "transfer-encoding": "transport",
    "accept-encoding": "transport",
    "proxy-connection": "transport",
    "user-agent": "names the SDK and the machine",
    "x-goog-api-client": "names the SDK",
    "x-fern-language": "names the SDK",
    "x-fern-sdk-name": "names the SDK",
    "x-fern-sdk-version": "names the SDK",
    "x-fern-platform": "names the machine",
    "x-fern-runtime": "names the machine",
    "x-fern-runtime-version": "names the machine",
    "x-client-sku": "names the SDK",
    "x-client-ver": "names the SDK",
    "x-client-cpu": "names the machine",
    "x-client-os": "names the machine",
    "x-ms-lib-capability": "names the SDK",
    "client-request-id": "random",
    "x-ms-client-request-id": "random",
    "x-client-current-telemetry": "the SDK's own statistics",
    "x-client-last-telemetry": "the SDK's own statistics",
    "amz-sdk-invocation-id": "random",
    "amz-sdk-request": "which try it is",
    "traceparent": "random",
    "x-global-transaction-id": "random",
    "x-request-id": "random",
    "x-amzn-trace-id": "random",
}
LEFT_OUT_PREFIXES = {"x-stainless-": "the SDK's own statistics", "x-litellm-": "the SDK's own statistics"}


# These two are signed all the same, and whoever checks a signature knows them.
SIGNED = ("host", "content-length")


def left_out(name):
    return name in LEFT_OUT or any(name.startswith(prefix) for prefix in LEFT_OUT_PREFIXES)


def signature(value):
    """An AWS signature over headers that are not kept says nothing: only whose it is stays."""
    if not value.startswith("AWS4-"):
        return value
    signed = value.split("SignedHeaders=")[1].split(",")[0].split(";")
    return value.split(",")[0] if any(left_out(name) and name not in SIGNED for name in signed) else value


def headers(request):
    kept = {}
    for name, value in request.headers:
        name = name.lower()
        if not left_out(name):
            kept[name] = signature(value)
    if kept.get("content-type", "").startswith("multipart/"):
        kept["content-type"] = kept["content-type"].split(";")[0]
    return dict(sorted(kept.items()))


def multipart(request):
    message = email.message_from_bytes(b"content-type: " + request.header("content-type").encode() + b"\r\n\r\n" + request.body)
    parts = []
    for part in message.get_payload():
        content = part.get_payload(decode=True)
        said = {"name": part.get_param("name", header="content-disposition")}
        if part.get_filename():
            said |= {"filename": part.get_filename(), "bytes": len(content)}
        else:
            said["value"] = content.decode()
        if part["content-type"]:
            said["content-type"] = part["content-type"]
        parts.append(said)
    # An SDK may send them in any order.
    return {"multipart": sorted(parts, key=lambda part: part["name"])}


def unpadded(text):
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def form(text):
    fields = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
    if fields.get("assertion", "").count(".") == 2:
        head, claims, _ = fields["assertion"].split(".")
        # The key is made for one recording, so its signature says nothing.
        fields["assertion"] = {"header": unpadded(head), "claims": unpadded(claims), "signature": "RS256"}
    return {"form": dict(sorted(fields.items()))}


def body(request):
    kind = request.header("content-type")
    if not request.body:
        return None
    if kind.startswith("multipart/"):
        return multipart(request)
    if kind.startswith("application/x-www-form-urlencoded"):
        return form(request.body.decode())
    return json.loads(request.body)


def write(provider, call, said, request):
    fixture = {
        **said,
        "call": call,
        "method": request.method,
        "url": request.url,
        "headers": headers(request),
        "body": body(request),
    }
    # The order of a body's keys is the SDK's, and no one's concern but a signature's: signed bodies are kept as sent too.
    if "Signature=" in fixture["headers"].get("authorization", ""):
        fixture["signed_body"] = request.body.decode()
    save(HERE / provider / f"{call}.json", fixture)


def save(path, value):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
