"""Just so much of PyTorch's face that python/from_pytorch.py imports and writes files with it: tensors are flat arrays.

For machines without PyTorch. What PyTorch computes is tested where it is installed (test/cli/from-pytorch.test.ts).
"""

import array
import ctypes
import json
import pickle
import sys
import types

__version__ = "0 (stand-in)"
strided, sparse_coo = "torch.strided", "torch.sparse_coo"


class dtype:
    def __init__(self, name, code, size):
        self.name, self.code, self.size = name, code, size

    def __repr__(self):
        return f"torch.{self.name}"


float64, float32 = dtype("float64", "d", 8), dtype("float32", "f", 4)
float16, bfloat16 = dtype("float16", "H", 2), dtype("bfloat16", "H", 2)
int64, int32, int16, int8 = (dtype(f"int{8 * size}", code, size) for code, size in (("q", 8), ("i", 4), ("h", 2), ("b", 1)))
uint8, bool = dtype("uint8", "B", 1), dtype("bool", "B", 1)
complex64 = dtype("complex64", "Q", 8)


class Tensor:
    def __init__(self, values, shape, dtype, layout=strided, device="cpu"):
        self.values, self.shape, self.dtype, self.layout = array.array(dtype.code, values), shape, dtype, layout
        self.device = types.SimpleNamespace(type=device)

    def detach(self):
        return self

    cpu = contiguous = detach

    def numel(self):
        return len(self.values)

    def element_size(self):
        return self.dtype.size

    def data_ptr(self):
        return self.values.buffer_info()[0]

    def to(self, dtype):
        return Tensor(self.values, self.shape, dtype)


def is_tensor(value):
    return isinstance(value, Tensor)


def load(path, map_location, weights_only):
    """A file here is JSON in which a list is a tensor of float32."""
    assert map_location == "cpu" and weights_only is True
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if text.startswith("pickle"):
        raise pickle.UnpicklingError("Weights only load failed.\nLong advice follows.")
    return json.loads(text, object_hook=lambda entries: {name: _tensor(value) for name, value in entries.items()})


def _tensor(value):
    return Tensor(value, [len(value)], float32) if isinstance(value, list) else value


def _module(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    return module


nn = _module("torch.nn")
nn.utils = _module("torch.nn.utils")
nn.utils.rnn = _module("torch.nn.utils.rnn", pack_padded_sequence=None, pad_packed_sequence=None)
optimizers = "SGD Adam AdamW RMSprop Adagrad Adamax NAdam RAdam Adadelta ASGD Rprop"
optim = types.SimpleNamespace(**dict.fromkeys(optimizers.split()))
