"""`Expect: 100-continue` that is waited for (RFC 9110, 10.1.1), for requests' sessions.

http.client, and so urllib3 and requests, send the body at once whatever the header says. Here a connection that sends
the header waits for the server's word: after `100 Continue` the body follows; after any other answer it does not, and
that answer is the response. A server that says nothing within `CONTINUE_SECONDS` gets the body, as the RFC wants it.
"""

import http.client
from functools import partial
from io import BufferedReader
from typing import Any, override

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CONTINUE_SECONDS = 1.0


class _ResumedResponse(http.client.HTTPResponse):
    """A response whose beginning is already in `reader`; http.client itself skips a 100 at its head."""

    def __init__(self, *arguments: Any, reader: BufferedReader, last: bool, **options: Any) -> None:  # noqa: ANN401 - http.client's
        super().__init__(*arguments, **options)
        self.fp.close()
        self.fp = reader
        self._last = last

    @override
    def begin(self) -> None:
        super().begin()
        self.will_close = self.will_close or self._last


class _Expecting(HTTPConnection):
    _expects = False

    @override
    def putrequest(self, *arguments: Any, **options: Any) -> None:
        self._expects = False
        self.response_class = http.client.HTTPResponse
        super().putrequest(*arguments, **options)

    @override
    def putheader(self, header: str, *values: str) -> None:  # type: ignore[override]  # as urllib3 has it
        self._expects = self._expects or header.lower() == "expect"
        super().putheader(header, *values)

    @override
    def endheaders(self, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        super().endheaders(message_body, encode_chunked=encode_chunked)
        if self._expects:
            self._await_word()

    def _await_word(self) -> None:
        """Return when the body is to be sent; raise BrokenPipeError, for which urllib3 reads the answer, when not."""
        reader: BufferedReader = self.sock.makefile("rb")
        usual = self.sock.gettimeout()
        self.sock.settimeout(CONTINUE_SECONDS)
        try:
            start = reader.peek(1)  # unlike MSG_PEEK, this works with TLS
        except TimeoutError:
            return  # the reader took nothing, and the response gets one of its own
        finally:
            self.sock.settimeout(usual)
        goes_on = bool(start) and b"HTTP/1.1 100".startswith(start[:12])
        # After a refusal the connection is at an odd place: the server may or may not wait for the body.
        self.response_class = partial(_ResumedResponse, reader=reader, last=not goes_on)  # type: ignore[assignment]  # called, never subclassed
        if not goes_on:
            raise BrokenPipeError("the server answered before the body was sent")


class _ExpectingTLS(_Expecting, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Expecting


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _ExpectingTLS


class ExpectContinueAdapter(HTTPAdapter):
    """An adapter whose connections wait; requests without the header are sent as ever."""

    @override
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}

    @override
    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTLS}
        return manager
