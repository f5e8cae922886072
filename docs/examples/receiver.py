"""Receives Tocsin's webhooks, in any of their formats, with Python's standard library (3.9 and later).

    WEBHOOK_SECRET=whsec_... python3 receiver.py

The standard library knows no ed25519, so v1a signatures are left to others here: with the package `cryptography`,
Ed25519PublicKey.from_public_bytes(base64.b64decode(whpk[5:])).verify(signature, signed) is all that is missing.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import time
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

TOLERANCE_SECONDS = 5 * 60
BODY_BYTES_MAX = 16 * 1024 * 1024
REMEMBERED_MAX = 100_000


def refusal(headers, body, secret, now):
    """None when the request is genuine, else why it is not. `body` is what arrived, byte by byte: never parse first."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    message_id, timestamp, signatures = (headers.get(name) for name in names)
    if message_id is None or timestamp is None or signatures is None:
        return "it is not signed"
    if re.fullmatch(r"[0-9]{1,12}", timestamp) is None:
        return "its timestamp is no number"
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return "its timestamp is too far from now"
    signed = f"{message_id}.{timestamp}.".encode() + body
    key = base64.b64decode(secret[len("whsec_"):])
    wanted = hmac.new(key, signed, hashlib.sha256).digest()
    # One for each key that is valid; during a rotation any of them may be ours.
    for entry in signatures.split(" "):
        version, _, text = entry.partition(",")
        if version == "v1" and hmac.compare_digest(decoded(text), wanted):
            return None
    return "none of its signatures is right"


def decoded(text):
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def events_of(headers, body):
    """What a genuine request tells: events, each with id, type and data, in the order in which they are to be taken."""
    content = json.loads(body)
    # The ce- headers are not signed; webhook-id is, and is the same as ce-id.
    if headers.get("ce-type") is not None:
        return [{"id": headers["webhook-id"], "type": headers["ce-type"], "data": content}]
    if headers.get("content-type") == "application/cloudevents-batch+json":
        return content
    if headers.get("content-type") == "application/cloudevents+json":
        return [content]
    if content["type"] == "batch":
        return content["items"]
    return [{**content, "id": headers["webhook-id"]}]


class Seen:
    """In earnest: a table of the database, written in the transaction that handles the event."""

    def __init__(self):
        self._ids = OrderedDict()
        self._lock = Lock()

    def is_new(self, event_id):
        with self._lock:
            if event_id in self._ids:
                return False
            self._ids[event_id] = True
            if len(self._ids) > REMEMBERED_MAX:
                self._ids.popitem(last=False)
            return True


SECRET = os.environ["WEBHOOK_SECRET"]
SEEN = Seen()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        if length > BODY_BYTES_MAX:
            return self.answer(413)
        body = self.rfile.read(length)
        reason = refusal(self.headers, body, SECRET, time.time())
        if reason is not None:
            print(f"refused: {reason}", flush=True)
            return self.answer(401)
        for event in events_of(self.headers, body):
            if SEEN.is_new(event["id"]):
                print(f"accepted {event['id']} {event['type']} {json.dumps(event['data'])}", flush=True)
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        """The default writes every request to stderr."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_address[1]}/", flush=True)
    server.serve_forever()
