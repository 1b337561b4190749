"""Short audio against the emulator: what is refused, what comes back, and what reading aloud scores."""

import base64
import io
import json
import socket
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
import soundfile
import soxr

from emulator import SpeechEmulator
from emulator.engines.audio import Samples
from emulator.faults import Throttle
from shared.speech import BadRequest, KeyCredential
from shared.speech.audio_clip import UnsupportedAudio, streaming_wav_header
from shared.speech.recognition import RECOGNITION_PATH, AssessmentPlace, Profanity, SpeechRecognizer
from shared.speech.types.recognition import (
    DetailedRecognition,
    Dimension,
    GradingSystem,
    Granularity,
    PronunciationAssessment,
    RecognitionStatus,
    RecognizedAlternative,
    RecognizedWord,
)

RECORDINGS = Path(__file__).parents[1] / "data" / "short_audio"
TEXT = "The quick brown fox jumps over the lazy dog, near the river."
RATE = 16_000
WAV = {"Content-Type": "audio/wav; codecs=audio/pcm; samplerate=16000"}
SECONDS = 20


def wav_of(samples: Samples, *, rate: int = RATE, channels: int = 1) -> bytes:
    """Samples as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(channels)
        audio.setsampwidth(2)
        audio.setframerate(rate)
        audio.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def silence(seconds: float) -> bytes:
    """Digital silence as WAV."""
    return wav_of(np.zeros(int(seconds * RATE), np.int16))


def samples_of(name: str) -> Samples:
    """A recording's samples."""
    samples, rate = soundfile.read(RECORDINGS / f"{name}.ogg", dtype="float32")
    resampled: Samples = np.rint(soxr.resample(samples, rate, RATE) * 32767).astype(np.int16)
    return resampled


def assessment_header(**options: object) -> dict[str, str]:
    """The header of an assessment, made by hand."""
    return {"Pronunciation-Assessment": base64.b64encode(json.dumps(options).encode()).decode()}


@pytest.fixture(scope="module")
def scripted() -> Iterator[SpeechEmulator]:
    """The scripted engine."""
    with SpeechEmulator() as running:
        yield running


@pytest.fixture(scope="module")
def recognizing() -> Iterator[SpeechEmulator]:
    """The recognizer."""
    with SpeechEmulator(engine="pocketsphinx", workers=1) as running:
        yield running


@pytest.fixture(scope="module")
def client(recognizing: SpeechEmulator) -> Iterator[SpeechRecognizer]:
    """The project's client of the recognizer."""
    with SpeechRecognizer(recognizing.endpoint, KeyCredential(recognizing.key)) as running:
        yield running


def post(
    emulator: SpeechEmulator,
    audio: bytes,
    *,
    query: str = "language=en-US",
    headers: dict[str, str] | None = None,
    key: str | None = "",
) -> requests.Response:
    """A request made by hand; `key` None sends none."""
    given = {} if key is None else {"Ocp-Apim-Subscription-Key": key or emulator.key}
    url = f"{emulator.endpoint}{RECOGNITION_PATH}?{query}"
    return requests.post(url, data=audio, headers={**WAV, **given, **(headers or {})}, timeout=SECONDS)


def test_the_scripted_engine_says_the_same_of_the_same_audio(scripted: SpeechEmulator) -> None:
    """Any text for any locale, made up from the audio; told by a header, it is that text."""
    first, again, other = (post(scripted, audio).json() for audio in (silence(1), silence(1), silence(2)))
    assert first == again
    assert first["RecognitionStatus"] == "Success"
    assert first["DisplayText"] != other["DisplayText"]
    told = {"X-Emulator-Transcript": "Guten%20Tag."}
    answer = post(scripted, silence(1), query="language=de-DE&format=detailed", headers=told).json()
    assert answer["NBest"][0]["Display"] == "Guten Tag."
    told = {"X-Emulator-Transcript": ""}
    assert post(scripted, silence(1), headers=told).json()["RecognitionStatus"] == "InitialSilenceTimeout"


def test_the_scripted_engine_reads_as_it_is_told(scripted: SpeechEmulator) -> None:
    """Without error, or, told by a header, with those that the words told make; always with the same scores."""
    asked = assessment_header(
        ReferenceText="Good morning, dear all.",
        GradingSystem="HundredMark",
        Dimension="Comprehensive",
        EnableMiscue="True",
    )

    def read(told: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
        return post(scripted, silence(1), query="language=de-DE&format=detailed", headers=asked | told).json()

    best = read({})["NBest"][0]
    assert [(word["Word"], word["ErrorType"]) for word in best["Words"]] == [
        ("good", "None"),
        ("morning", "None"),
        ("dear", "None"),
        ("all", "None"),
    ]
    assert min(best["AccuracyScore"], best["FluencyScore"], best["CompletenessScore"]) > 80
    worse = read({"X-Emulator-Transcript": "Good%20old%20evening%20all"})["NBest"][0]
    errors = {word["Word"]: word["ErrorType"] for word in worse["Words"]}
    assert errors == {"good": "None", "morning": "Mispronunciation", "dear": "Mispronunciation", "all": "None"}
    assert worse["PronScore"] < best["PronScore"] - 20
    assert read({}) == read({})
    assert read({"X-Emulator-Transcript": ""})["RecognitionStatus"] == "InitialSilenceTimeout"


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (401, {"key": "wrong"}),
        (403, {"key": None}),
        (401, {"key": None, "headers": {"Authorization": "Bearer nonsense"}}),
        (400, {"query": ""}),
        (400, {"query": "language=xx-XX"}),
        (400, {"query": "language=en-US&format=long"}),
        (400, {"query": "language=en-US&profanity=some"}),
        (400, {"query": "language=en-US&cid=00000000-0000-4000-8000-000000000000"}),
        (400, {"headers": {"Content-Type": "audio/mpeg"}}),
        (400, {"headers": {"Content-Type": "audio/ogg; codecs=opus"}}),
        (400, {"headers": {"Pronunciation-Assessment": "no base64!"}}),
        (400, {"headers": {"Pronunciation-Assessment": base64.b64encode(b"no JSON").decode()}}),
        (400, {"headers": assessment_header(GradingSystem="HundredMark")}),
        (400, {"headers": assessment_header(ReferenceText="a", GradingSystem="Stars")}),
        (400, {"headers": assessment_header(ReferenceText="a", Unknown=1)}),
        (400, {"audio": b""}),
        (400, {"audio": b"ID3\x04" + bytes(1000)}),
        (400, {"audio": wav_of(np.zeros(RATE, np.int16), rate=8000)}),
        (400, {"audio": wav_of(np.zeros(RATE, np.int16), channels=2)}),
        (400, {"audio": silence(60.1)}),
        (400, {"audio": silence(30.1), "headers": assessment_header(ReferenceText="a")}),
        (400, {"audio": silence(60) + bytes(8_000_000)}),
    ],
)
def test_bad_requests_are_refused(scripted: SpeechEmulator, status: int, request_: dict[str, Any]) -> None:
    """With the documented status, and words on what is wrong."""
    response = post(scripted, request_.pop("audio", silence(1)), **request_)
    assert response.status_code == status
    assert response.json()["message"]


def test_the_longest_audio_is_recognized(scripted: SpeechEmulator) -> None:
    """Sixty seconds are in, and thirty to be assessed."""
    assert post(scripted, silence(60)).json()["RecognitionStatus"] == "Success"
    assessed = post(scripted, silence(30), headers=assessment_header(ReferenceText="a"))
    assert assessed.json()["RecognitionStatus"] == "Success"


@pytest.mark.parametrize(
    ("key", "query", "first_line"),
    [
        ("wrong", "language=en-US", b"HTTP/1.1 401 Unauthorized"),
        (None, "language=en-US", b"HTTP/1.1 403 Forbidden"),
        ("", "language=xx-XX", b"HTTP/1.1 400 Bad Request"),
        ("", "language=en-US", b"HTTP/1.1 100 Continue"),
    ],
)
def test_a_request_is_judged_before_its_audio_comes(
    scripted: SpeechEmulator, key: str | None, query: str, first_line: bytes
) -> None:
    """A client that expects 100 gets it only for a request that will be carried out, else the refusal in its place."""
    address = urlsplit(scripted.endpoint)
    credential = "" if key is None else f"Ocp-Apim-Subscription-Key: {key or scripted.key}\r\n"
    head = (
        f"POST {RECOGNITION_PATH}?{query} HTTP/1.1\r\nHost: {address.netloc}\r\n{credential}"
        "Content-Type: audio/wav\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=SECONDS) as connection:
        connection.sendall(head.encode())
        stream = connection.makefile("rb")
        assert stream.readline().strip() == first_line
        if b"100" in first_line:
            audio = silence(1)
            connection.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(audio), audio))
            assert stream.readline().strip() == b""
            assert stream.readline().strip() == b"HTTP/1.1 200 OK"
        stream.close()


def test_a_body_that_breaks_off_is_a_bad_request(scripted: SpeechEmulator) -> None:
    """No failure of the emulator: it is noted as 400, and the next request finds all in order."""

    def endless() -> Iterator[bytes]:
        yield streaming_wav_header()
        while True:
            yield bytes(2 * RATE)

    before = len(scripted.requests)
    with SpeechRecognizer(scripted.endpoint, KeyCredential(scripted.key)) as client:
        with pytest.raises(UnsupportedAudio, match="longer than 60 s"):
            client.recognize(endless(), language="en-US")
        assert client.recognize(silence(1), language="en-US").succeeded
    deadline = time.monotonic() + SECONDS
    statuses: list[int | None] = []
    while len(statuses) < 2 and time.monotonic() < deadline:  # the emulator sees the end of the connection in its time
        time.sleep(0.01)
        statuses = [one.status for one in scripted.requests[before:] if one.operation == "ShortAudio_Recognize"]
    assert sorted(statuses, key=str) == [200, 400]


def test_faults_and_the_journal_know_the_operation(scripted: SpeechEmulator) -> None:
    """It can be throttled like any other, and the client tries again, nothing of its audio lost."""
    scripted.arm([Throttle(operation="ShortAudio_Recognize", count=1)])
    pauses: list[float] = []
    with SpeechRecognizer(scripted.endpoint, KeyCredential(scripted.key), sleep=pauses.append) as client:
        assert client.recognize(iter([silence(1)]), language="fr-FR").succeeded
    assert len(pauses) == 1
    seen = [(one.operation, one.status) for one in scripted.requests][-2:]
    assert seen == [("ShortAudio_Recognize", 429), ("ShortAudio_Recognize", 200)]


def test_speech_is_recognized_in_both_formats_and_both_codings(client: SpeechRecognizer) -> None:
    """Opus from a file, PCM from an iterator: the text, and where it stands in the audio."""
    spoken = "The quick brown fox jumps over the lazy dog near the river."
    samples = samples_of("correct")
    pieces = [streaming_wav_header(), *(part.tobytes() for part in np.array_split(samples, 20))]
    simple = client.recognize(RECORDINGS / "correct.ogg", language="en-US")
    detailed = client.recognize(pieces, language="en-us", format="detailed")
    assert (simple.text, detailed.text) == (spoken, spoken)
    assert detailed.best
    assert detailed.best.lexical == spoken.lower().rstrip(".")
    assert 0.5 < (detailed.best.confidence or 0) <= 1
    assert len(detailed.n_best) > 1
    for answer in (simple, detailed):
        start, length = (answer.offset or 0) / 1e7, (answer.duration or 0) / 1e7
        assert 0 < start < 0.5
        assert len(samples) / RATE - 0.7 < start + length < len(samples) / RATE


def noise(seconds: float) -> Samples:
    """White noise."""
    return (np.random.default_rng(1).normal(0, 3000, int(seconds * RATE))).clip(-32768, 32767).astype(np.int16)


@pytest.mark.parametrize(
    ("status", "audio"),
    [
        ("Success", wav_of(samples_of("unrelated"))),
        ("InitialSilenceTimeout", silence(3)),
        ("InitialSilenceTimeout", wav_of(noise(3) // 1000)),
        ("BabbleTimeout", wav_of(noise(3))),
        ("NoMatch", wav_of(samples_of("german"))),
        ("Success", wav_of(samples_of("english"))),
        ("NoMatch", wav_of(samples_of("unrelated")[::-1])),
        ("NoMatch", wav_of(samples_of("correct")[::-1])),
        ("Error", wav_of(samples_of("unrelated"))[:-20_000]),
        ("Error", silence(0)),
    ],
    ids=[
        "speech",
        "silence",
        "a quiet room",
        "noise",
        "German",
        "the same in English",
        "backwards",
        "backwards 2",
        "cut short",
        "no samples",
    ],
)
@pytest.mark.parametrize("form", ["simple", "detailed"])
def test_each_status_has_its_cause(recognizing: SpeechEmulator, status: str, audio: bytes, form: str) -> None:
    """Silence, noise, speech that is none of the language, and audio that is broken, each tell themselves apart."""
    response = post(recognizing, audio, query=f"language=en-US&format={form}")
    assert response.status_code == 200
    answer = response.json()
    assert answer["RecognitionStatus"] == status
    assert ("DisplayText" in answer or "NBest" in answer) is (status == "Success")
    assert isinstance(answer["Offset"], str if form == "simple" else int)


@pytest.mark.parametrize(
    ("profanity", "text"),
    [
        ("masked", "This **** printer is full of ****."),
        ("removed", "This printer is full of."),
        ("raw", "This damn printer is full of shit."),
    ],
)
def test_profanity_is_treated_as_asked(client: SpeechRecognizer, profanity: Profanity, text: str) -> None:
    """Stars, nothing, or the words; the lexical form keeps them."""
    answer = client.recognize(RECORDINGS / "profane.ogg", language="en-US", profanity=profanity, format="detailed")
    assert answer.text == text
    assert answer.best
    assert answer.best.lexical == "this damn printer is full of shit"


def test_nothing_but_profanity_removed_is_no_result(client: SpeechRecognizer) -> None:
    """As documented; masked, there is a text."""
    recording = RECORDINGS / "all_profane.ogg"
    assert client.recognize(recording, language="en-US").text == "******* *******."
    removed = client.recognize(recording, language="en-US", profanity="removed")
    assert (removed.recognition_status, removed.text) == (RecognitionStatus.NO_MATCH, "")


def test_another_language_is_refused_by_an_engine_that_lacks_it(client: SpeechRecognizer) -> None:
    """The pocketsphinx engine knows en-US alone."""
    with pytest.raises(BadRequest, match="en-US"):
        client.recognize(silence(1), language="de-DE")


def assess(
    client: SpeechRecognizer,
    recording: str,
    *,
    place: AssessmentPlace = "header",
    text: str = TEXT,
    **options: Any,  # noqa: ANN401 - options of the assessment
) -> DetailedRecognition:
    """A reading assessed, by default with all there is on the scale to 100."""
    everything = {"grading_system": GradingSystem.HUNDRED_MARK, "dimension": Dimension.COMPREHENSIVE} | options
    asked = PronunciationAssessment(reference_text=text, **everything)
    audio = RECORDINGS / f"{recording}.ogg"
    return client.recognize(audio, language="en-US", format="detailed", pronunciation=asked, assessment_in=place)


def scores_of(answer: DetailedRecognition) -> RecognizedAlternative:
    """The scored reading."""
    assert answer.best
    return answer.best


def words_of(answer: DetailedRecognition) -> list[RecognizedWord]:
    """The scored words."""
    return scores_of(answer).words or []


def errors_of(answer: DetailedRecognition) -> dict[str, list[str]]:
    """Words by what is wrong with them."""
    found: dict[str, list[str]] = {}
    for word in words_of(answer):
        found.setdefault(str(word.error_type), []).append(word.word)
    return found


def test_a_correct_reading_scores_clearly_above_a_wrong_one(client: SpeechRecognizer) -> None:
    """Margins, on the scale to 100: three voices read right; one reads three words wrong; one reads something else.

    Measured: accuracy 89 to 93 against 64 and 10; overall 93 to 96 against 70 and 7.
    """
    right = [scores_of(assess(client, name)) for name in ("correct", "correct_slt", "correct_awb")]
    wrong, unrelated = scores_of(assess(client, "wrong")), scores_of(assess(client, "unrelated"))
    for one in right:
        assert (one.accuracy_score or 0) > 85
        assert (one.fluency_score or 0) > 90
        assert one.completeness_score == 100
        assert (one.pron_score or 0) > 88
    assert min(one.accuracy_score or 0 for one in right) - (wrong.accuracy_score or 0) > 15
    assert min(one.pron_score or 0 for one in right) - (wrong.pron_score or 0) > 15
    for score in (
        unrelated.accuracy_score,
        unrelated.fluency_score,
        unrelated.completeness_score,
        unrelated.pron_score,
    ):
        assert (score or 0) < 25


def test_miscues_are_marked(client: SpeechRecognizer) -> None:
    """Words left out, put in, and misread carry their error; those left out have no place."""
    omitted = assess(client, "omitted", enable_miscue=True)
    assert errors_of(omitted)["Omission"] == ["brown", "lazy"]
    assert all(word.offset is None for word in words_of(omitted) if word.error_type == "Omission")
    assert 75 < (scores_of(omitted).completeness_score or 0) < 90
    inserted = assess(client, "inserted", enable_miscue=True)
    assert errors_of(inserted)["Insertion"] == ["little", "right"]
    assert scores_of(inserted).completeness_score == 100
    wrong = errors_of(assess(client, "wrong", enable_miscue=True))
    assert {"brown", "jumps", "dog"} <= set(wrong["Mispronunciation"])
    assert set(errors_of(assess(client, "correct", enable_miscue=True))) == {"None"}


def test_without_miscues_every_word_of_the_text_is_scored_and_no_other(client: SpeechRecognizer) -> None:
    """The default: the words are those of the text, in its order."""
    text = TEXT.lower().replace(",", "").rstrip(".").split()
    for recording in ("omitted", "inserted"):
        answer = assess(client, recording)
        assert [word.word for word in words_of(answer)] == text
        assert set(errors_of(answer)) <= {"None", "Mispronunciation"}


def test_words_and_phonemes_have_places_and_scores(client: SpeechRecognizer) -> None:
    """Phonemes fill their word, words follow each other within the phrase, and a wrong sound has the lower score."""
    answer = assess(client, "correct")
    end = answer.offset or 0
    for word in words_of(answer):
        phonemes = word.phonemes or []
        assert phonemes
        assert end - 200_000 <= (word.offset or 0)
        assert (phonemes[0].offset, sum(phoneme.duration or 0 for phoneme in phonemes)) == (word.offset, word.duration)
        end = (word.offset or 0) + (word.duration or 0)
        assert min(phoneme.accuracy_score or 0 for phoneme in phonemes) <= (word.accuracy_score or 0)
    fox = next(word for word in words_of(answer) if word.word == "fox")
    assert [phoneme.phoneme for phoneme in fox.phonemes or []] == ["f", "aa", "k", "s"]


def test_silence_before_and_within_a_reading(client: SpeechRecognizer) -> None:
    """Three seconds before it move all places by as much; one and a half in the middle lower the fluency alone."""
    samples = samples_of("correct")
    asked = PronunciationAssessment(
        reference_text=TEXT, grading_system=GradingSystem.HUNDRED_MARK, dimension=Dimension.COMPREHENSIVE
    )

    def assessed(*parts: Samples) -> DetailedRecognition:
        audio = wav_of(np.concatenate(parts))
        return client.recognize(audio, language="en-US", format="detailed", pronunciation=asked)

    plain, late = assessed(samples), assessed(np.zeros(3 * RATE, np.int16), samples)
    for word, later in zip(words_of(plain), words_of(late), strict=True):
        assert later.offset == pytest.approx((word.offset or 0) + 3 * 10**7, abs=500_000)
    middle = int(((words_of(plain)[6].offset or 0) + 100_000) * RATE / 10**7)
    paused = scores_of(assessed(samples[:middle], np.zeros(3 * RATE // 2, np.int16), samples[middle:]))
    assert (paused.fluency_score or 0) < (scores_of(plain).fluency_score or 0) - 20
    assert (paused.accuracy_score or 0) > 80


@pytest.mark.parametrize("granularity", list(Granularity))
def test_granularity_and_dimension_decide_what_is_told(client: SpeechRecognizer, granularity: Granularity) -> None:
    """Down to phonemes, words, or the text alone; accuracy alone, or all scores and the words' errors."""
    basic = assess(client, "wrong", granularity=granularity, dimension=Dimension.BASIC)
    full = assess(client, "wrong", granularity=granularity)
    for answer, is_full in ((basic, False), (full, True)):
        best = scores_of(answer)
        assert best.accuracy_score is not None
        for score in (best.fluency_score, best.completeness_score, best.pron_score):
            assert (score is not None) is is_full
        assert (best.words is not None) is (granularity != Granularity.FULL_TEXT)
        for word in best.words or []:
            assert (word.phonemes is not None) is (granularity == Granularity.PHONEME)
            assert (word.error_type is not None) is is_full


def test_both_grading_systems_and_both_ways_tell_the_same(client: SpeechRecognizer) -> None:
    """Five points are a twentieth of a hundred; a header and a query parameter are understood alike."""
    hundred = assess(client, "correct")
    five = assess(client, "correct", place="query", grading_system=None)
    assert assess(client, "correct", place="query") == hundred
    for great, small in zip(words_of(hundred), words_of(five), strict=True):
        assert (small.accuracy_score or 0) == pytest.approx((great.accuracy_score or 0) / 20, abs=0.06)
        assert (small.accuracy_score or 0) <= 5


def test_a_text_with_unknown_words_is_refused_by_name(client: SpeechRecognizer) -> None:
    """The recognizer's dictionary is its limit, and says so."""
    with pytest.raises(BadRequest, match="25, frobnicators"):
        assess(client, "correct", text="The 25 frobnicators.")


def test_silence_and_noise_are_not_scored(client: SpeechRecognizer) -> None:
    """They have their status also with an assessment."""
    asked = PronunciationAssessment(reference_text=TEXT)
    for audio, status in ((silence(2), "InitialSilenceTimeout"), (wav_of(noise(2)), "BabbleTimeout")):
        answer = client.recognize(audio, language="en-US", format="detailed", pronunciation=asked)
        assert (answer.recognition_status, answer.n_best) == (status, [])
