"""Quotas: requests in ten seconds of the emulator's clock, and how many entities a resource can have."""

from collections.abc import Iterator

import pytest

from emulator import Clock, SpeechEmulator
from emulator.quotas import DATASETS_LIMIT, DEPLOYMENTS_LIMIT, MODEL_TEXT_LIMIT
from tests.contract.specification import Api
from tests.contract.surroundings import OTHER_KEY, START

COMMON = {"displayName": "q", "locale": "en-US"}


@pytest.fixture
def limited() -> Iterator[SpeechEmulator]:
    """Three requests in ten seconds, on a clock that only the test moves."""
    with SpeechEmulator(clock=Clock(at=START), other_keys=(OTHER_KEY,), requests_per_10_seconds=3) as running:
        yield running


def statuses(api: Api, count: int) -> list[int]:
    """The statuses of so many requests."""
    return [api("GET", "/transcriptions").status_code for _ in range(count)]


def test_requests_beyond_the_quota_are_told_when_to_come_back(limited: SpeechEmulator) -> None:
    """They are 429 until the oldest of those counted is ten seconds old; those refused do not count."""
    with Api(limited.base_url, limited.key) as api:
        assert statuses(api, 1) == [200]
        limited.advance(4)
        assert statuses(api, 5) == [200, 200, 429, 429, 429]
        refused = api("GET", "/transcriptions")
        assert refused.headers["Retry-After"] == "6"
        assert refused.json()["code"] == "TooManyRequests"
        limited.advance(5)
        assert statuses(api, 1) == [429]
        limited.advance(1)
        assert statuses(api, 2) == [200, 429]
        assert api("GET", "/transcriptions").headers["Retry-After"] == "4"


def test_what_the_quota_does_not_count(limited: SpeechEmulator) -> None:
    """Each subscription has its own; a wrong key and tokens' requests are none of it; a reset begins anew."""
    with Api(limited.base_url, limited.key) as api, Api(limited.base_url, OTHER_KEY) as other:
        with Api(limited.base_url, "wrong") as wrong:
            assert statuses(wrong, 5) == [401] * 5
        for _ in range(5):
            assert api("POST", f"{limited.endpoint}/sts/v1.0/issueToken").status_code == 200
        assert statuses(api, 4) == [200, 200, 200, 429]
        assert statuses(other, 1) == [200]
        dated = f"{limited.endpoint}/speechtotext/transcriptions?api-version=2025-10-15"
        assert api("GET", dated).status_code == 429
        limited.reset()
        assert statuses(api, 1) == [200]


@pytest.mark.parametrize(
    ("path", "fields", "limit"),
    [
        ("/datasets", {"kind": "Language"}, DATASETS_LIMIT),
        ("/endpoints", {}, DEPLOYMENTS_LIMIT),
    ],
)
def test_entities_beyond_the_quota(
    api: Api, emulator: SpeechEmulator, path: str, fields: dict[str, object], limit: int
) -> None:
    """One more is refused until one is deleted, and another subscription has its own quota."""
    made = [api("POST", path, json={**COMMON, **fields}).status_code for _ in range(limit)]
    assert set(made) == {201}
    refused = api("POST", path, json={**COMMON, **fields})
    assert (refused.status_code, refused.json()["innerError"]["code"]) == (400, "QuotaViolation")
    with Api(emulator.base_url, OTHER_KEY) as other:
        assert other("POST", path, json={**COMMON, **fields}).status_code == 201
    emulator.advance(3)
    assert api("DELETE", api("GET", path).json()["values"][0]["self"]).status_code == 204
    assert api("POST", path, json={**COMMON, **fields}).status_code == 201


def test_the_text_of_a_model(api: Api) -> None:
    """It has a limit in bytes."""
    line = "é" * 50 + "\n"
    long = line * (MODEL_TEXT_LIMIT // len(line.encode()) + 1)
    refused = api("POST", "/models", json={**COMMON, "text": long})
    assert (refused.status_code, refused.json()["innerError"]["code"]) == (400, "QuotaViolation")
    assert api("POST", "/models", json={**COMMON, "text": long[: MODEL_TEXT_LIMIT // 2]}).status_code == 201
