#!/usr/bin/env python3
"""Writes the PyTorch files of test/recorded/pytorch, and beside each what is in it, as PyTorch itself reads it.

    python3 scripts/record_pytorch_files.py    # with PyTorch 2.13; the files are committed
"""

import collections
import json
import pathlib

import torch
from torch import nn

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "test" / "recorded" / "pytorch"


def described(value):
    """A value as JSON: tensors by element type, shape and numbers."""
    if isinstance(value, torch.Tensor):
        numbers = value.detach().to(torch.float64).reshape(-1).tolist()
        return {"dtype": str(value.dtype).removeprefix("torch."), "shape": list(value.shape), "data": numbers}
    if isinstance(value, dict):
        return {"dict": {str(key): described(one) for key, one in value.items()}}
    if isinstance(value, (list, tuple, set, frozenset)):
        return {"list": [described(one) for one in value]}
    if isinstance(value, bytes):
        return {"bytes": list(value)}
    if isinstance(value, (torch.dtype, torch.device)):
        return {"plain": str(value)}
    return {"plain": value}


def record(name, value):
    torch.save(value, FOLDER / f"{name}.pt")
    (FOLDER / f"{name}.json").write_text(json.dumps(described(value)) + "\n")


def record_again(name, value, **options):
    """The same in another format: what is in it is recorded already."""
    torch.save(value, FOLDER / f"{name}.pt", **options)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.rnn = nn.LSTM(4, 3, bidirectional=True)
        self.norm = nn.BatchNorm1d(6)
        self.head = nn.Linear(6, 2)


def types():
    """Every element type, with values that show its range."""
    table = {
        "float32": [1.5, -2.0, 3e38, 1e-45],
        "float64": [1 / 3, -1e300],
        "float16": [1.5, -65504.0, 6e-8, 0.1],
        "bfloat16": [1.5, -3e38, 0.1],
        "int64": [2**31 - 1, -(2**31), 7],
        "int32": [2**31 - 1, -(2**31)],
        "int16": [-32768, 32767],
        "int8": [-128, 127],
        "uint8": [0, 255],
        "bool": [True, False, True],
        "uint16": [0, 65535],
        "uint32": [0, 2**32 - 1],
    }
    return {name: torch.tensor(values, dtype=getattr(torch, name)) for name, values in table.items()}


def views():
    """Tensors that share a storage: offsets, strides, transposed, expanded, tied, empty, of no axes."""
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    return collections.OrderedDict(
        base=base,
        tied=base,
        row=base[2],
        column=base[:, 3],
        transposed=base.T,
        block=base[1:3, 1:5:2],
        expanded=base[:1].expand(3, 6),
        scalar=torch.tensor(2.5),
        empty=torch.zeros(0, 3),
        parameter=nn.Parameter(base[0].clone()),
    )


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    model = Tagger()
    state = model.state_dict()
    record("state-dict", state)
    record_again("state-dict.legacy", state, _use_new_zipfile_serialization=False)
    record_again("views.legacy", views(), _use_new_zipfile_serialization=False)
    for protocol in (3, 4, 5):
        record_again(f"state-dict.protocol-{protocol}", state, pickle_protocol=protocol)
    record("types", types())
    record("views", views())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    sum(parameter.sum() for parameter in model.parameters()).backward()
    optimizer.step()
    record(
        "checkpoint",
        {
            "model": model.state_dict(),
            "ema": {"shadow": {"head.weight": model.head.weight.detach() * 0.5}},
            "optimizer": optimizer.state_dict(),
            "epoch": 3,
            "best": 0.25,
            "name": "Tagger ü",
            "done": False,
            "nothing": None,
            "large": 2**40,
            "sizes": (torch.Size([2, 3]), [1, 2.5], {"a", "b"} - {"b"}),
            "raw": b"\x00\xff",
            "dtype": torch.bfloat16,
            "device": torch.device("cpu"),
            "counter": collections.Counter({10: 1}),
        },
    )
    torch.save(model, FOLDER / "whole-model.pt")
    torch.jit.script(nn.Linear(2, 1)).save(FOLDER / "torch-script.pt")


if __name__ == "__main__":
    main()
