"""Runs a Python function_app.py (v2 model) on Microsoft's own worker library where Core Tools are absent.

The worker library (`azure-functions-runtime`) indexes, checks and runs the functions; this package is the host around
it: HTTP, blob, queue and timer triggers, outputs, and the admin endpoints. See docs/dev-host.md.
"""
