"""The Speech-to-text REST API on this machine: `python -m emulator`, or `SpeechEmulator` within a test."""

from emulator.clock import Clock
from emulator.jobs import JobSeconds
from emulator.server import SpeechEmulator
from emulator.settings import DEFAULT_KEY

__all__ = ["DEFAULT_KEY", "Clock", "JobSeconds", "SpeechEmulator"]
