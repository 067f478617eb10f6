#!/usr/bin/env python3
"""Reads a selection trace of Longleaf (docs/trace-format.md). Needs numpy, and python3-zstandard.

    trace = read("run.trace"); trace["prefill"][layer][row] -> counts per key block
"""
import struct
import sys
import zlib

import numpy as np
import zstandard


def chunks(data):
    magic, version, _ = struct.unpack_from("<8sII", data)
    if magic != b"LLTRACE\n" or version != 1:
        raise ValueError("not a selection trace of version 1")
    at = 16
    while at + 48 <= len(data):
        kind, packing, first, count, stored, raw, crc, own = struct.unpack_from("<4sIqqQQII", data, at)
        if zlib.crc32(data[at:at + 44]) != own:
            raise ValueError(f"damaged at byte {at}")
        payload = data[at + 48:at + 48 + stored]
        if len(payload) < stored:
            return  # cut off: what came before holds
        if zlib.crc32(payload) != crc:
            raise ValueError(f"damaged at byte {at}")
        yield kind.decode(), first, count, zstandard.decompress(payload, raw) if packing else payload
        at += 48 + stored


def read(path):
    trace = {"prefill": {}, "decode": [], "exact": [], "complete": False}
    for kind, first, count, raw in chunks(open(path, "rb").read()):
        if kind == "HEAD":
            names = "key_block level mode layers top_k prompt_tokens cached_tokens reused_tokens".split()
            trace.update(zip(names, struct.unpack("<8q", raw)))
        elif kind == "PREF":
            unit, row, rows, _ = struct.unpack_from("<4i", raw)
            lengths = [min(-(-trace["prompt_tokens"] // 64), (r + 1) * unit // 64) for r in range(row, row + rows)]
            parts = np.split(np.frombuffer(raw, "<u2", offset=16), np.cumsum(lengths)[:-1])
            trace["prefill"].setdefault(first, []).extend(parts)
        elif kind == "DECO":
            words = np.frombuffer(raw, "u1", offset=8).reshape(count, trace["layers"], -1)
            trace["decode"] += list(np.unpackbits(words, axis=2, bitorder="little").astype(bool))
        elif kind == "EXAC":
            at = 0
            for _ in range(count):
                token, layer, n = struct.unpack_from("<qii", raw, at)
                trace["exact"].append((token, layer, np.cumsum(np.frombuffer(raw, "<i4", n, at + 16))))
                at += 16 + 4 * n
        elif kind == "SRCS":
            trace["sources"] = raw.decode()
        elif kind == "DONE":
            trace["generated"], trace["thinking"], trace["first_recorded"], trace["sparse_queries"] = struct.unpack("<4q", raw)
            trace["complete"] = True
    return trace


if __name__ == "__main__":
    run = read(sys.argv[1])
    print({key: value for key, value in run.items() if isinstance(value, (int, bool))})
    print("selected pairs per layer:", [int(sum(row.sum() for row in rows)) for rows in run["prefill"].values()])
