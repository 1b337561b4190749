"""Recognition of short audio: one request with the audio in it, answered with its text.

    with SpeechRecognizer("westeurope", KeyCredential(key)) as recognizer:
        print(recognizer.recognize("order.wav", language="en-US").text)

REST API for short audio: `POST .../speech/recognition/conversation/cognitiveservices/v1`.
"""

import random
import re
import time
from collections.abc import Callable
from typing import Literal, overload
from urllib.parse import quote, urlencode, urlsplit

import requests
from pydantic import ValidationError

from shared.speech.audio_clip import ASSESSMENT_LIMIT_SECONDS, LIMIT_SECONDS, AudioClip, AudioSource
from shared.speech.credentials import KeyCredential, TokenCredential, authorization
from shared.speech.errors import redact
from shared.speech.expect_continue import ExpectContinueAdapter
from shared.speech.resources.resource import json_object
from shared.speech.retry import RetryPolicy
from shared.speech.transport import POOL_SIZE, Answer, Attempt, SessionOwner, Timeouts, Transport, ignore
from shared.speech.types.recognition import DetailedRecognition, PronunciationAssessment, SimpleRecognition

RECOGNITION_PATH = "/speech/recognition/conversation/cognitiveservices/v1"
DEFAULT_TIMEOUTS = Timeouts(total_seconds=120)

type Format = Literal["simple", "detailed"]
type Profanity = Literal["masked", "removed", "raw"]
type AssessmentPlace = Literal["header", "query"]

_REGION = re.compile(r"[a-z][a-z0-9]*")
_REGIONAL_DOMAIN = re.compile(rf"({_REGION.pattern})\.api\.cognitive\.microsoft\.com")
_CUSTOM_DOMAIN = re.compile(r"\.cognitiveservices\.azure\.(com|us|cn)$")


class SpeechRecognizer(SessionOwner):
    """Recognizes audio of up to 60 seconds, 30 with pronunciation assessment; safe to share between threads.

    `region_or_endpoint` is a region such as `westeurope`, the address of a resource with a custom domain such as
    `https://name.cognitiveservices.azure.com`, or any other address that serves the API. The other arguments are those
    of SpeechClient. A request is repeated only where it certainly was not carried out (429, no connection). A
    `session` of the caller's waits for the service's 100 only with an ExpectContinueAdapter. ValueError for an
    endpoint or key that cannot be right.
    """

    def __init__(
        self,
        region_or_endpoint: str,
        credential: KeyCredential | TokenCredential,
        *,
        session: requests.Session | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        max_retries: int = 4,
        longest_retry_after_seconds: int = 60,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[], float] = random.random,
        on_attempt: Callable[[Attempt], None] = ignore,
    ) -> None:
        self._owns_session = session is None
        self._session = session or _waiting_session()
        self._transport = Transport(
            recognition_endpoint(region_or_endpoint),
            authorization(credential, clock),
            session=self._session,
            timeouts=timeouts,
            retries=RetryPolicy(
                max_retries, retry_after_max=longest_retry_after_seconds, sleep=sleep, clock=clock, uniform=uniform
            ),
            monotonic=monotonic,
            on_attempt=on_attempt,
        )
        self.endpoint = self._transport.endpoint

    @overload
    def recognize(
        self,
        audio: AudioSource,
        *,
        language: str,
        format: Literal["simple"] = "simple",
        profanity: Profanity | None = None,
        endpoint_id: str | None = None,
    ) -> SimpleRecognition: ...

    @overload
    def recognize(
        self,
        audio: AudioSource,
        *,
        language: str,
        format: Literal["detailed"],
        profanity: Profanity | None = None,
        endpoint_id: str | None = None,
        pronunciation: PronunciationAssessment | None = None,
        assessment_in: AssessmentPlace = "header",
    ) -> DetailedRecognition: ...

    def recognize(
        self,
        audio: AudioSource,
        *,
        language: str,
        format: Format = "simple",  # noqa: A002 - the service's name
        profanity: Profanity | None = None,
        endpoint_id: str | None = None,
        pronunciation: PronunciationAssessment | None = None,
        assessment_in: AssessmentPlace = "header",
    ) -> SimpleRecognition | DetailedRecognition:
        """The text of `audio`; look at `recognition_status`, for silence and noise are answers, too.

        `audio` is 16 kHz mono 16-bit PCM WAV or mono Ogg Opus: bytes, a path, a binary file, or an iterable of pieces
        of which only the first has the header, such as what a microphone gives. It is sent in chunks, after the
        service has agreed to the request. `language` is a locale, `endpoint_id` a custom endpoint. `pronunciation`
        asks for scores of reading a text aloud, in the format `detailed`; it goes into a header, or, as in older
        documentation, into the query.

        UnsupportedAudio (a ValueError) for audio that the service would not take, before it is sent, except that the
        length of an iterable shows on the way. SpeechError for everything else.
        """
        if pronunciation and format != "detailed":
            raise ValueError("pronunciation scores come in the detailed format only: give format='detailed'")
        limit = ASSESSMENT_LIMIT_SECONDS if pronunciation else LIMIT_SECONDS
        clip = AudioClip(audio, limit_seconds=limit)
        query = {"language": language, "format": format, "profanity": profanity, "cid": endpoint_id}
        headers = {"Content-Type": clip.content_type, "Accept": "application/json", "Expect": "100-continue"}
        if pronunciation and assessment_in == "query":
            query["pronunciationScoreParams"] = pronunciation.encoded()
        elif pronunciation:
            headers["Pronunciation-Assessment"] = pronunciation.encoded()
        given = {name: value for name, value in query.items() if value is not None}
        url = f"{self.endpoint}{RECOGNITION_PATH}?{urlencode(given, quote_via=quote)}"
        answer = self._transport.request("POST", url, body=clip, headers=headers, operation="ShortAudio_Recognize")
        return _parsed(SimpleRecognition, answer) if format == "simple" else _parsed(DetailedRecognition, answer)


def recognition_endpoint(region_or_endpoint: str) -> str:
    """What stands before the API's path: by region, or with `/stt` behind a custom domain (documentation of both).

    A region's address for the other APIs (`https://<region>.api.cognitive.microsoft.com`) stands for its region.
    """
    if _REGION.fullmatch(region_or_endpoint):
        return f"https://{region_or_endpoint}.stt.speech.microsoft.com"
    endpoint = region_or_endpoint.rstrip("/")
    host = (urlsplit(endpoint).hostname or "").lower()
    if regional := _REGIONAL_DOMAIN.fullmatch(host):
        return recognition_endpoint(regional[1])
    is_custom = _CUSTOM_DOMAIN.search(host)
    return f"{endpoint}/stt" if is_custom and not endpoint.endswith("/stt") else endpoint


def _waiting_session() -> requests.Session:
    session = requests.Session()
    for prefix in ("https://", "http://"):
        session.mount(prefix, ExpectContinueAdapter(pool_maxsize=POOL_SIZE))
    return session


def _parsed[R: (SimpleRecognition, DetailedRecognition)](kind: type[R], answer: Answer) -> R:
    try:
        return kind.model_validate(json_object(answer))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
    raise answer.malformed(f"the service's {kind.__name__} is not of the documented shape: {redact(wrong)}")
