"""`python -m shared.cli`: commands for operators of the app and for users of the Speech API (docs/command-line.md)."""
