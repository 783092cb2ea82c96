"""Reads and writes safetensors files: 8 bytes of length, a JSON header, then the tensors one behind the other."""

import ctypes
import json
import math
import os
import struct

import torch

DTYPES = {"F32": torch.float32, "F64": torch.float64, "I32": torch.int32, "I64": torch.int64}


def read(path):
    """The tensors by name, and the metadata, which is text by key."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
        flat = torch.frombuffer(data, dtype=dtype, count=math.prod(shape), offset=entry["data_offsets"][0])
        tensors[name] = flat.reshape(shape).clone()
    return tensors, metadata


def write(path, tensors, metadata):
    """Writes all tensors as F32. What is interrupted leaves the old file whole."""
    header, parts, end = {"__metadata__": metadata}, [], 0
    for name, tensor in tensors.items():
        flat = tensor.detach().to("cpu", torch.float32).contiguous()
        begin, end = end, end + 4 * flat.numel()
        header[name] = {"dtype": "F32", "shape": list(flat.shape), "data_offsets": [begin, end]}
        parts.append(flat)
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    temporary = f"{path}.tmp"
    with open(temporary, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for flat in parts:
            file.write(ctypes.string_at(flat.data_ptr(), 4 * flat.numel()))
    os.replace(temporary, path)
