"""How the models of pytorch_to_onnx.py are written down."""

from torch import nn

models = []


def model(exporter, opset, cases, dynamic=None, outputs=("y",), **options):
    """Registers a function that makes a module; `cases` are inputs by name, the first one is exported with."""

    def register(make):
        models.append((make.__name__, make, exporter, opset, cases, dynamic or {}, outputs, options))
        return make

    return register


def ints(*shape, below):
    return dict(shape=list(shape), below=below)


def given(*data):
    return dict(shape=[len(data)], data=list(data))


class Of(nn.Module):
    """A module of parts, with a function as its forward."""

    def __init__(self, forward, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.function = forward

    def forward(self, *args):
        return self.function(self, *args)


def trained_norms(m):
    """Batch normalisation with statistics that are not 0 and 1."""
    for part in m.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            part.running_mean.uniform_(-0.5, 0.5)
            part.running_var.uniform_(0.5, 2)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.5, 0.5)
    return m


BT = dict(x={0: "B", 1: "T"})
TB = dict(x={0: "T", 1: "B"})
batches = [dict(x=(2, 5, 3)), dict(x=(1, 1, 3)), dict(x=(3, 7, 3))]
