"""Which of the service's locales a multilingual Whisper model recognizes, and as which of its languages."""

from emulator.locales import TRANSCRIPTION_LOCALES

_LANGUAGES = frozenset(
    """
    af am ar as az bg bn bs ca cs cy da de el en es et eu fa fi fr gl gu he hi hr hu hy id is it ja jw ka kk km kn ko
    lo lt lv mk ml mn mr ms mt my ne nl no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur uz vi yue zh
    """.split()  # noqa: SIM905 - a table reads better than a list of quotes
)
"""Those of faster-whisper's language codes that the service has a locale of."""
_OTHER_CODES = {"fil": "tl", "jv": "jw", "nb": "no"}
"""Languages that Whisper has another code for."""


def language_of(locale: str) -> str:
    """Whisper's code of a locale's language, known to it or not: `no` for `nb-NO`."""
    language = locale.split("-", maxsplit=1)[0].lower()
    return _OTHER_CODES.get(language, language)


LOCALES = tuple(locale for locale in TRANSCRIPTION_LOCALES if language_of(locale) in _LANGUAGES)
