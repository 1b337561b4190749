"""Blocks that a dataset's data is uploaded in: files in a folder until they are put together."""

import base64
import binascii
from collections.abc import Iterable
from pathlib import Path

from emulator.records import Block

BLOCK_LIMIT = 8 * 1024 * 1024
"""Bytes of a block (operation Datasets_UploadBlock)."""
BLOCKS_LIMIT = 50_000
"""Blocks of a dataset, as many as a blob of Azure storage can have."""
ID_LIMIT = 64
"""Bytes of a block's id before it is Base64 (operation Datasets_UploadBlock)."""
FOLDER = "blocks"
"""Name of the blocks' folder in the dataset's own."""


def block_path(folder: Path, name: str) -> Path:
    """Where a block lies; ValueError, with the reason, where its name is no block id."""
    try:
        raw = base64.b64decode(name, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw or base64.b64encode(raw).decode() != name:
        raise ValueError("A block id is Base64 text.")
    if len(raw) > ID_LIMIT:
        raise ValueError(f"A block id is at most {ID_LIMIT} bytes before it is Base64.")
    return folder / FOLDER / raw.hex()


def new_block_path(folder: Path, name: str) -> Path:
    """Where one more block is to lie; ValueError, with the reason, where it cannot be added to those there are."""
    path = block_path(folder, name)
    others = blocks_in(folder)
    if others and len(others[0].name) != len(name):
        raise ValueError("The ids of all blocks of a dataset must have the same length.")
    if len(others) >= BLOCKS_LIMIT:
        raise ValueError(f"A dataset has at most {BLOCKS_LIMIT:,} blocks.")
    return path


def blocks_in(folder: Path) -> list[Block]:
    """The blocks that were uploaded, by name."""
    paths = (folder / FOLDER).glob("[0-9a-f]*[0-9a-f]")
    blocks = (Block(name=_name(path), size=path.stat().st_size) for path in paths)
    return sorted(blocks, key=lambda block: block.name)


def put_together(folder: Path, blocks: Iterable[Block], to: Path) -> None:
    """Write the content of blocks, one after the other."""
    with to.open("wb") as file:
        for block in blocks:
            file.write(block_path(folder, block.name).read_bytes())


def _name(path: Path) -> str:
    return base64.b64encode(bytes.fromhex(path.name)).decode()
