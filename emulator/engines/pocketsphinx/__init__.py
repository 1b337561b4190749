"""Recognition on this machine with the pocketsphinx package and its en-US model."""

from emulator.engines.pocketsphinx.engine import PocketsphinxEngine
from emulator.engines.protocol import Engine


def create(*, workers: int) -> Engine:
    """An engine that recognizes up to `workers` files at once; close it when done."""
    return PocketsphinxEngine(workers=workers)
