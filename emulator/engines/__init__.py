"""Recognizers that the emulator can run."""
