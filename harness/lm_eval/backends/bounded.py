"""What a server answers is read no further than an answer can be long: it may send without end, or a little that unpacks to
a lot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import StageError

if TYPE_CHECKING:
    import requests

LARGEST_ANSWER = 64 << 20  # bytes, unpacked: the log-probabilities of a long context take some
LONGEST_REPLY = 1 << 22  # characters
BLOCK = 1 << 16  # bytes


def whole(response: requests.Response) -> requests.Response:
    """A response that was asked for with `stream=True`, its body read. Raises StageError if that is too large."""
    body = bytearray()
    with response:
        for block in response.iter_content(BLOCK):
            body += block
            if len(body) > LARGEST_ANSWER:
                raise StageError(f"the server's answer has more than {LARGEST_ANSWER >> 20} MiB")
    response._content = bytes(body)  # what `content`, `text` and `json()` read
    return response


def reply_text(text: str) -> str:
    """Raises StageError if no model's reply is so long."""
    if len(text) > LONGEST_REPLY:
        raise StageError(f"the reply has more than {LONGEST_REPLY} characters")
    return text
