"""The short-audio client against a server on loopback that shows each byte of the conversation."""

import base64
import datetime as dt
import io
import ipaddress
import json
import socket
import ssl
import struct
import threading
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.speech import KeyCredential, MalformedResponse, SpeechConnectionError, Unauthorized
from shared.speech.audio_clip import AudioClip, UnsupportedAudio, streaming_wav_header
from shared.speech.expect_continue import CONTINUE_SECONDS, ExpectContinueAdapter
from shared.speech.recognition import SpeechRecognizer, recognition_endpoint
from shared.speech.types.recognition import (
    DetailedRecognition,
    Dimension,
    GradingSystem,
    Granularity,
    PronunciationAssessment,
    PronunciationErrorType,
    RecognitionStatus,
    SimpleRecognition,
)

KEY = "a-secret-key"
SIMPLE = {"RecognitionStatus": "Success", "DisplayText": "Hello.", "Offset": "100", "Duration": 2e7}
SECOND = 32_000
"""Bytes of samples."""


def wav(seconds: float = 1, *, rate: int = 16_000, channels: int = 1, width: int = 2) -> bytes:
    """Silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(channels)
        audio.setsampwidth(width)
        audio.setframerate(rate)
        audio.writeframes(bytes(int(seconds * rate) * channels * width))
    return file.getvalue()


def opus(seconds: float, *, channels: int = 1) -> bytes:
    """An Ogg stream with an Opus header and a last page at `seconds`; its packets are of no matter here."""
    head = struct.pack("<8sBBHIhB", b"OpusHead", 1, channels, 312, 16_000, 0, 0)
    first = struct.pack("<4sBBqIIIBB", b"OggS", 0, 2, 0, 1, 0, 0, 1, len(head)) + head
    last = struct.pack("<4sBBqIIIBB", b"OggS", 0, 4, 312 + int(seconds * 48_000), 1, 1, 0, 1, 100) + bytes(100)
    return first + last


@dataclass
class Request:
    """What the server got of one request."""

    line: str
    headers: dict[str, str]
    chunks: list[bytes] = field(default_factory=list)
    rest: bytes = b""
    """What came after a refusal."""

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's parameters."""
        return parse_qs(urlsplit(self.line.split()[1]).query)


@dataclass
class Server:
    """Answers each connection's requests by `script`: `continue`, `refuse`, `silent`, `throttle` or `cut`."""

    script: Sequence[str]
    answer: object = field(default_factory=lambda: SIMPLE)
    endpoint: str = ""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def serve(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Until the script is at its end."""
        acts = list(self.script)
        while acts:
            plain, _ = listener.accept()
            self.connections += 1
            with tls.wrap_socket(plain, server_side=True) if tls else nullcontext(plain) as connection, plain:
                connection.settimeout(20)
                stream = connection.makefile("rb")
                while acts and (line := stream.readline()):
                    self._answer(acts.pop(0), line, stream, connection)

    def _answer(self, act: str, line: bytes, stream: io.BufferedReader, connection: socket.socket) -> None:
        headers = dict(entry.decode().strip().split(": ", 1) for entry in iter(stream.readline, b"\r\n"))
        request = Request(line.decode().strip(), headers)
        self.requests.append(request)
        if act in {"refuse", "throttle"}:
            status = "401 Unauthorized" if act == "refuse" else "429 Too Many Requests"
            connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            request.rest = stream.read()
            return
        if act == "cut":
            connection.shutdown(socket.SHUT_RDWR)
            return
        if act == "continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while size := int(stream.readline(), 16):
            request.chunks.append(stream.read(size))
            stream.readline()
        stream.readline()
        body = json.dumps(self.answer).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


@contextmanager
def serving(*script: str, answer: object = None, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server that runs the script; at the end it must have come to its end."""
    server = Server(script, answer=SIMPLE if answer is None else answer)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.endpoint = f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.serve, args=(listener, tls), daemon=True)
        thread.start()
        yield server
        thread.join(20)
        assert not thread.is_alive()


def recognizer(server: Server, session: requests.Session | None = None) -> SpeechRecognizer:
    """A client of the server that does not wait before it tries again."""
    return SpeechRecognizer(server.endpoint, KeyCredential(KEY), sleep=lambda _: None, session=session)


def test_audio_is_sent_in_chunks_once_the_server_agrees() -> None:
    """Headers first; after the 100 the audio in chunks, its header in the first only; connections are kept."""
    audio = wav(3)
    with serving("continue", "continue") as server, recognizer(server) as client:
        result = client.recognize(audio, language="en-US", profanity="raw", endpoint_id="e 1")
        client.recognize(io.BytesIO(audio), language="en-US")
    first = server.requests[0]
    assert first.line.startswith("POST /speech/recognition/conversation/cognitiveservices/v1?")
    assert first.query == {"language": ["en-US"], "format": ["simple"], "profanity": ["raw"], "cid": ["e 1"]}
    assert first.headers["Expect"] == "100-continue"
    assert first.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in first.headers
    assert first.headers["Content-Type"] == "audio/wav; codecs=audio/pcm; samplerate=16000"
    assert first.headers["Accept"] == "application/json"
    assert first.headers["Ocp-Apim-Subscription-Key"] == KEY
    assert b"".join(first.chunks) == b"".join(server.requests[1].chunks) == audio
    assert len(first.chunks) == 4
    assert [chunk.startswith(b"RIFF") for chunk in first.chunks] == [True, False, False, False]
    assert server.connections == 1
    assert result == SimpleRecognition(
        recognition_status=RecognitionStatus.SUCCESS, display_text="Hello.", offset=100, duration=20_000_000
    )


def test_a_refusal_comes_before_the_audio_is_sent() -> None:
    """After 401 in place of 100 no byte of the audio follows, the error is raised, and the connection is dropped."""
    with serving("refuse", "continue") as server, recognizer(server) as client:
        with pytest.raises(Unauthorized) as raised:
            client.recognize(wav(), language="en-US")
        client.recognize(wav(), language="en-US")
    assert server.requests[0].rest == b""
    assert server.connections == 2
    assert KEY not in str(raised.value)


def test_a_server_that_does_not_know_the_header_gets_the_audio() -> None:
    """Where neither 100 nor an answer comes within the time limit, the audio is sent (RFC 9110, 10.1.1)."""
    assert CONTINUE_SECONDS <= 1
    with serving("silent") as server, recognizer(server) as client:
        assert client.recognize(wav(), language="en-US").text == "Hello."
    assert b"".join(server.requests[0].chunks) == wav()


def test_an_iterator_is_sent_again_after_throttling() -> None:
    """Pieces that can be had only once survive an attempt that was refused."""
    pieces = (piece for piece in (streaming_wav_header(), bytes(SECOND), bytes(SECOND)))
    with serving("throttle", "continue") as server, recognizer(server) as client:
        client.recognize(pieces, language="en-US")
    assert b"".join(server.requests[1].chunks) == streaming_wav_header() + bytes(2 * SECOND)


def test_a_cut_connection_is_not_tried_again() -> None:
    """A recognition may have been carried out, and paid for, when its answer is lost."""
    with serving("cut") as server, recognizer(server) as client:
        with pytest.raises(SpeechConnectionError) as raised:
            client.recognize(wav(), language="en-US")
        assert raised.value.may_have_taken_effect
    assert len(server.requests) == 1


def test_it_waits_over_tls_as_well(tmp_path: Path) -> None:
    """What is read while waiting is not lost in the TLS layer: refusal and agreement are understood."""
    certificate, context = self_signed(tmp_path)
    session = requests.Session()
    session.mount("https://", ExpectContinueAdapter())
    session.verify = str(certificate)
    session.trust_env = False  # or else the machine's own certificates take the place of this one
    with serving("refuse", "continue", tls=context) as server, session:
        client = recognizer(server, session=session)
        with pytest.raises(Unauthorized):
            client.recognize(wav(), language="en-US")
        assert client.recognize(wav(2), language="en-US").text == "Hello."
    assert server.requests[0].rest == b""
    assert b"".join(server.requests[1].chunks) == wav(2)


def self_signed(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path, key_path = folder / "certificate.pem", folder / "key.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, *secret))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key_path)
    return path, context


@pytest.mark.parametrize("place", ["header", "query"])
def test_an_assessment_goes_by_header_or_query(place: str) -> None:
    """Base64 of the JSON with the service's names, every option of the table in it."""
    asked = PronunciationAssessment(
        reference_text="Grüß Gott.",
        grading_system=GradingSystem.HUNDRED_MARK,
        granularity=Granularity.PHONEME,
        dimension=Dimension.COMPREHENSIVE,
        enable_miscue=True,
        enable_prosody_assessment=False,
        scenario_id=UUID("b5d6a1e2-0000-4000-8000-000000000000"),
    )
    with serving("continue", answer={"RecognitionStatus": "NoMatch"}) as server, recognizer(server) as client:
        client.recognize(wav(), language="en-US", format="detailed", pronunciation=asked, assessment_in=place)  # type: ignore[call-overload]  # parametrized
    request = server.requests[0]
    sent = {
        "header": request.headers.get("Pronunciation-Assessment"),
        "query": next(iter(request.query.get("pronunciationScoreParams", [])), None),
    }
    assert [name for name, value in sent.items() if value] == [place]
    assert json.loads(base64.b64decode(sent[place] or "")) == {
        "ReferenceText": "Grüß Gott.",
        "GradingSystem": "HundredMark",
        "Granularity": "Phoneme",
        "Dimension": "Comprehensive",
        "EnableMiscue": "True",
        "EnableProsodyAssessment": "False",
        "ScenarioId": "b5d6a1e2-0000-4000-8000-000000000000",
    }


def test_scores_need_the_detailed_format() -> None:
    """Nothing is sent where the scores could not come back."""
    client = SpeechRecognizer("westeurope", KeyCredential(KEY))
    with pytest.raises(ValueError, match="format='detailed'"):
        client.recognize(wav(), language="en-US", pronunciation=PronunciationAssessment(reference_text="a"))  # type: ignore[call-overload]  # the point of the test


DETAILED = {
    "RecognitionStatus": "Success",
    "Offset": 700000,
    "Duration": "8400000",
    "SNR": 38.7,
    "NBest": [
        {
            "Confidence": 0.98,
            "Lexical": "good morning",
            "ITN": "good morning",
            "MaskedITN": "good morning",
            "Display": "Good morning.",
            "AccuracyScore": 97.0,
            "FluencyScore": 96,
            "CompletenessScore": 50,
            "PronScore": 90.5,
            "Words": [
                {
                    "Word": "good",
                    "AccuracyScore": 100.0,
                    "ErrorType": "None",
                    "Offset": "700000",
                    "Duration": 2.7e6,
                    "Phonemes": [{"Phoneme": "g", "AccuracyScore": 99.0, "Offset": 700000, "Duration": 900000}],
                },
                {"Word": "morning", "AccuracyScore": 0, "ErrorType": "Omission"},
            ],
        }
    ],
}


def test_a_detailed_answer_is_typed_and_nothing_is_lost() -> None:
    """Ticks are ints however they came; scores, words and phonemes are there; what is not known is kept."""
    with serving("continue", answer=DETAILED) as server, recognizer(server) as client:
        result = client.recognize(wav(), language="en-US", format="detailed")
    assert result.succeeded
    assert (result.offset, result.duration, result.text) == (700_000, 8_400_000, "Good morning.")
    assert result.model_extra == {"SNR": 38.7}
    best = result.best
    assert best is not None
    assert (best.itn, best.masked_itn) == ("good morning", "good morning")
    assert (best.accuracy_score, best.fluency_score, best.completeness_score, best.pron_score) == (97, 96, 50, 90.5)
    good, morning = best.words or []
    assert (good.offset, good.duration, good.error_type) == (700_000, 2_700_000, PronunciationErrorType.NONE)
    assert [(one.phoneme, one.accuracy_score) for one in good.phonemes or []] == [("g", 99)]
    assert (morning.error_type, morning.offset) == (PronunciationErrorType.OMISSION, None)


@pytest.mark.parametrize(
    "status", ["Success", "NoMatch", "InitialSilenceTimeout", "BabbleTimeout", "Error", "EndOfDictation"]
)
def test_every_status_is_an_answer(status: str) -> None:
    """The five known ones are members; one from a newer service equals its text; the rest may be missing or null."""
    answer = {"RecognitionStatus": status, "DisplayText": None, "Offset": "0"}
    for kind in (SimpleRecognition, DetailedRecognition):
        result = kind.model_validate(answer)
        assert result.recognition_status == status
        assert result.succeeded is (status == "Success")
        assert (result.text, result.offset, result.duration) == ("", 0, None)


@pytest.mark.parametrize("answer", [[], {}, {"RecognitionStatus": "Success", "Offset": "soon"}, {"NBest": 3}])
def test_an_answer_of_another_shape_is_malformed(answer: object) -> None:
    """A clear error of the client's own tree."""
    with serving("continue", answer=answer) as server, recognizer(server) as client, pytest.raises(MalformedResponse):
        client.recognize(wav(), language="en-US", format="detailed")


def extensible(audio: bytes) -> bytes:
    """The same with a header of the newer kind, as some recorders write it."""
    form = struct.pack("<HHIIHHHHIH14x", 0xFFFE, 1, 16_000, SECOND, 2, 16, 22, 16, 4, 1)
    return audio[:12] + struct.pack("<4sI", b"fmt ", 40) + form + b"LIST\x03\0\0\0abc\0" + audio[36:]


@pytest.mark.parametrize(
    ("audio", "seconds"),
    [
        (wav(60), 60),
        (extensible(wav(2)), 2),
        (wav(1) + b"LIST" + bytes(40_000), 1),
        (streaming_wav_header() + bytes(SECOND), 1),
        (opus(59.5), 59.5),
    ],
    ids=["wav", "extensible", "chunks after the samples", "length unknown", "opus"],
)
def test_audio_that_the_service_takes_is_let_through(audio: bytes, seconds: float) -> None:
    """The length is that of the samples; the content is what was given."""
    clip = AudioClip(audio)
    assert clip.seconds == pytest.approx(seconds)
    assert b"".join(clip) == b"".join(clip) == audio
    assert clip.content_type.startswith("audio/ogg" if audio.startswith(b"OggS") else "audio/wav")


@pytest.mark.parametrize(
    ("audio", "told"),
    [
        (wav(60.1), "longer than 60 s.*batch transcription"),
        (opus(61), "longer than 60 s.*batch transcription"),
        (streaming_wav_header() + bytes(61 * SECOND), "longer than 60 s"),
        (wav(1, rate=8000), "8000 Hz and 16 bits.*ffmpeg"),
        (wav(1, channels=2), "2 channel.*ffmpeg"),
        (wav(1, width=1), "8 bits.*ffmpeg"),
        (opus(1, channels=2), "2 channels.*ffmpeg"),
        (b"OggS" + bytes(24) + b"\x01vorbis" + bytes(40), "does not hold Opus.*ffmpeg"),
        (b"ID3\x04" + bytes(100), "neither WAV nor Ogg Opus.*ffmpeg"),
        (wav(1)[:30], "ends before or in its header"),
        (b"", "ends before or in its header"),
    ],
    ids=["wav", "opus", "stream", "rate", "stereo", "8 bits", "stereo opus", "vorbis", "mp3", "cut", "empty"],
)
def test_other_audio_is_refused_before_anything_is_sent(audio: bytes, told: str, tmp_path: Path) -> None:
    """The error says what is wrong and what to do, for bytes, a path and a file alike."""
    path = tmp_path / "audio"
    path.write_bytes(audio)
    client = SpeechRecognizer("http://127.0.0.1:9", KeyCredential(KEY), max_retries=0)
    with path.open("rb") as file:
        for source in (audio, path, str(path), file):
            with pytest.raises(UnsupportedAudio, match=told):
                client.recognize(source, language="en-US")


def test_half_a_minute_is_the_limit_with_assessment() -> None:
    """30 s pass, more does not."""
    AudioClip(wav(30), limit_seconds=30)
    asked = PronunciationAssessment(reference_text="a")
    with pytest.raises(UnsupportedAudio, match="longer than 30 s"):
        SpeechRecognizer("westus", KeyCredential(KEY)).recognize(
            wav(30.1), language="en-US", format="detailed", pronunciation=asked
        )


def test_pieces_are_sent_as_they_come_and_end_at_the_limit() -> None:
    """Nothing waits for the end of an iterator; beyond the limit it is stopped; a second header is refused."""
    taken: list[int] = []

    def microphone() -> Iterator[bytes]:
        yield streaming_wav_header()
        for second in range(100):
            taken.append(second)
            yield bytes(SECOND)

    clip = AudioClip(microphone())
    assert taken == []
    chunks = iter(clip)
    assert [len(next(chunks)) for _ in range(3)] == [44, SECOND, SECOND]
    assert taken == [0, 1]
    with pytest.raises(UnsupportedAudio, match="longer than 60 s"):
        list(chunks)
    assert len(taken) == 61
    with pytest.raises(UnsupportedAudio, match="only the first may"):
        list(AudioClip([wav(1), wav(1)]))


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ("westeurope", "https://westeurope.stt.speech.microsoft.com"),
        ("https://westeurope.api.cognitive.microsoft.com", "https://westeurope.stt.speech.microsoft.com"),
        ("https://name.cognitiveservices.azure.com/", "https://name.cognitiveservices.azure.com/stt"),
        ("https://name.cognitiveservices.azure.us/stt", "https://name.cognitiveservices.azure.us/stt"),
        ("http://127.0.0.1:8300", "http://127.0.0.1:8300"),
    ],
)
def test_a_region_or_an_address_names_the_endpoint(given: str, endpoint: str) -> None:
    """Regions have an address of their own kind; behind a custom domain the API is under /stt."""
    assert recognition_endpoint(given) == endpoint
