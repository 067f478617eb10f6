#!/usr/bin/env python3
"""Reads a selection trace of Longleaf (docs/trace-format.md); needs numpy and zstandard.
trace = read("run.trace"); trace["prefill"][layer][row] -> counts per key block"""
import struct, sys, zlib
import numpy as np
import zstandard

NAMES = "key_block level mode layers top_k prompt_tokens cached_tokens reused_tokens".split()

def chunks(data):
    if struct.unpack_from("<8sI", data) != (b"LLTRACE\n", 1):
        raise ValueError("not a selection trace of version 1")
    at = 16
    while at + 48 <= len(data):
        kind, packing, first, count, stored, raw, crc, own = struct.unpack_from("<4sIqqQQII", data, at)
        payload = data[at + 48:at + 48 + stored]
        if zlib.crc32(data[at:at + 44]) != own or len(payload) == stored and zlib.crc32(payload) != crc:
            raise ValueError(f"damaged at byte {at}")
        if len(payload) < stored:
            return  # cut off: what came before holds
        yield kind.decode(), first, count, zstandard.decompress(payload, raw) if packing else payload
        at += 48 + stored

def read(path):
    trace = {"prefill": {}, "decode": [], "exact": [], "recall": [], "complete": False}
    for kind, first, count, raw in chunks(open(path, "rb").read()):
        if kind == "HEAD":
            trace.update(zip(NAMES, struct.unpack("<8q", raw)))
        elif kind == "PREF":
            unit, row, rows, _ = struct.unpack_from("<4i", raw)
            lengths = [min(-(-trace["prompt_tokens"] // 64), (r + 1) * unit // 64) for r in range(row, row + rows)]
            trace["prefill"].setdefault(first, []).extend(np.split(np.frombuffer(raw, "<u2", offset=16), np.cumsum(lengths)[:-1]))
        elif kind == "DECO":
            words = np.frombuffer(raw, "u1", offset=8).reshape(count, trace["layers"], -1)
            trace["decode"] += list(np.unpackbits(words, axis=2, bitorder="little").astype(bool))
        elif kind == "EXAC":
            for _ in range(count):
                token, layer, n = struct.unpack_from("<qii", raw)
                trace["exact"].append((token, layer, np.cumsum(np.frombuffer(raw, "<i4", n, 16))))
                raw = raw[16 + 4 * n:]
        elif kind == "RECA":
            trace["recall"] = np.frombuffer(raw, "<f4").tolist()
        elif kind == "SRCS":
            trace["sources"] = raw.decode()
        elif kind == "DONE":
            trace.update(zip("generated thinking first_recorded sparse_queries".split(), struct.unpack("<4q", raw)), complete=True)
    return trace

if __name__ == "__main__":
    print({key: value for key, value in read(sys.argv[1]).items() if isinstance(value, (int, bool))})
