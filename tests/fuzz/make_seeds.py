#!/usr/bin/env python3
"""make_seeds.py CORPUS: seeds for fuzz_ext4_image, out of images that mke2fs(8) makes, and for fuzz_index_file.

A seed of an image says only what is not zero (sparse_image.hpp). No image has checksums of metadata but one: they would stop a
fuzzer at its first change.
"""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

UNIT = 64
IMAGE = UNIT << 16
SMALL = "^has_journal,^resize_inode"
KINDS = {
    "extents": ["-t", "ext4", "-O", f"^metadata_csum,{SMALL}"],
    "checksums": ["-t", "ext4", "-O", f"metadata_csum,{SMALL}"],
    "pointers": ["-t", "ext4", "-O", f"^metadata_csum,{SMALL},^extent,^64bit"],
    "inline": ["-t", "ext4", "-O", f"^metadata_csum,{SMALL},inline_data", "-I", "256"],
    "meta_bg": ["-t", "ext4", "-O", f"^metadata_csum,{SMALL},meta_bg"],
    "bigalloc": ["-t", "ext4", "-O", f"^metadata_csum,{SMALL},bigalloc", "-C", "4096"],
    "ext2": ["-t", "ext2", "-O", "^resize_inode"],
}


def fill(tree: pathlib.Path) -> None:
    (tree / "d").mkdir(parents=True)
    (tree / "d" / "file").write_bytes(b"x" * 700)
    os.link(tree / "d" / "file", tree / "link")
    (tree / "symlink").symlink_to("t" * 100)
    with open(tree / "sparse", "wb") as sparse:
        for i in range(30):
            sparse.seek(i * 4096)
            sparse.write(b"s")


def records(image: bytes) -> bytes:
    """Runs of units that are not zero, without zeros at their ends and without the contents of files."""
    found, at = [], 0
    while at < len(image):
        end = at
        while end < len(image) and end - at < 1024 and any(image[end:end + UNIT]):
            end += UNIT
        if end == at:
            at += UNIT
            continue
        piece = image[at:end].rstrip(b"\0")
        if piece.strip(b"xs"):
            found.append(struct.pack("<HH", at // UNIT, len(piece)) + piece)
        at = end
    return b"".join(found)


def index_file(leaves: int, wide: int, links: int) -> bytes:
    """As lib/pmend/rmap/index_file.cpp writes it."""
    header = struct.pack("<8s64s7Q", b"pmendrm2", b"u", 1, leaves + wide, leaves, wide, links, 4096, 0)
    reaches = b"".join(struct.pack("<Q", 100 + i) for i in range(leaves))
    leaf = struct.pack("<Q32I32I32I32H32B", 90, *range(32), *range(12, 44), *[0] * 32, *[1] * 32, *[0] * 32)
    wide_one = struct.pack("<3Q", 200 << 16 | 3, 12 << 2, 1 << 33)
    return header + reaches + leaf * leaves + wide_one * wide + struct.pack("<2I", 12, 2) * links


def images(target: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        tree = pathlib.Path(scratch) / "tree"
        fill(tree)
        for name, options in KINDS.items():
            image = pathlib.Path(scratch) / name
            subprocess.run(["/sbin/mke2fs", "-q", "-F", "-b", "1024", "-N", "32", "-d", tree, *options, image,
                            str(IMAGE // 1024)], check=True)
            (target / name).write_bytes(records(image.read_bytes()))


def main() -> None:
    corpus = pathlib.Path(sys.argv[1])
    images(corpus / "ext4_image")
    for name, parts in {"leaf": (1, 0, 1), "leaves": (2, 1, 2), "wide": (0, 2, 0), "empty": (0, 0, 0)}.items():
        (corpus / "index_file" / name).write_bytes(index_file(*parts))


if __name__ == "__main__":
    main()
