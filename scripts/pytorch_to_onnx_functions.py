"""Functions of tensors, and normalisation."""

import torch
import torch.nn.functional as F
from pytorch_to_onnx_cases import Of, given, model, trained_norms
from torch import nn


activations = [F.relu, torch.sigmoid, torch.tanh, F.silu, F.gelu, F.softplus, F.softsign, F.hardswish, F.hardsigmoid, F.selu, F.celu,
               F.mish, F.logsigmoid, lambda x: F.elu(x, 0.3), lambda x: F.leaky_relu(x, 0.1), lambda x: F.hardtanh(x, -0.5, 0.7),
               lambda x: F.gelu(x, approximate="tanh"), lambda x: F.threshold(x, 0.1, 0.3), F.relu6]


def every_activation(without=()):
    """Older operator sets have no Celu and no Mish, and TorchScript's exporter no threshold."""
    chosen = [f for i, f in enumerate(activations) if i not in without]
    return Of(lambda m, x: torch.stack([f(m.first(x) * 3) for f in chosen] + [m.prelu(x)]), first=nn.Linear(4, 4), prelu=nn.PReLU())


@model("torchscript", 9, [dict(x=(3, 4))], dict(x={0: "N"}))
def activations_opset_9():
    return every_activation(without=(10, 11, 17))


@model("torchscript", 17, [dict(x=(3, 4)), dict(x=(1, 4))], dict(x={0: "N"}))
def activations_opset_17():
    return every_activation(without=(17,))


@model("dynamo", 20, [dict(x=(3, 4))], dict(x={0: "N"}))
def activations_dynamo():
    return every_activation()


def reduce_all(m, x):
    return (x.sum(1), x.mean((0, 2), keepdim=True), x.amax(-1), x.amin(1), x.prod(1), x.logsumexp(2), x.norm(dim=1), x.norm(p=1, dim=-1),
            x.var(1), x.std(2, unbiased=False), x.argmax(1), x.argmin(-1, keepdim=True), x.max(1)[0], x.topk(2, 1)[0], x.topk(2, -1, largest=False)[1],
            x.cumsum(1), x.sum(), x.square().mean().sqrt())


reduced = tuple(f"y{i}" for i in range(18))


@model("torchscript", 11, [dict(x=(2, 3, 4))], outputs=reduced)
def reductions_opset_11():
    return Of(reduce_all)


@model("torchscript", 18, [dict(x=(2, 3, 4)), dict(x=(4, 3, 5))], dict(x={0: "A", 2: "C"}), reduced)
def reductions_opset_18():
    return Of(reduce_all)


@model("dynamo", 18, [dict(x=(2, 3, 4))], outputs=reduced)
def reductions_dynamo():
    return Of(reduce_all)


def lay_out(m, x, i):
    a, b, c = x.split([1, 2, 1], 1)
    first, second = x.chunk(2, -1)
    return (torch.cat([b, a, c], 1), torch.stack([first, second], 1), x[:, 1::2], x[:, -2:, ::3], x.flip(1), x.permute(2, 0, 1).reshape(x.shape[0], -1),
            x.index_select(1, i), x.gather(1, i.view(1, -1, 1).expand(x.shape[0], -1, 6)), a.expand(-1, 3, -1), a.squeeze(1).unsqueeze(-1),
            x.flatten(1), x.view(-1, 2, 3), F.pad(x, (1, 2, 0, 1), value=0.5), F.pad(x, (2, 1), mode="reflect"), F.pad(x, (1, 0), mode="replicate"),
            x.repeat(1, 2, 1), x.roll(1, 1), x.unbind(1)[2], F.one_hot(i, 4).to(x.dtype), x.new_full((2, x.shape[0]), 3.0), x[:, i])


laid_out = tuple(f"y{i}" for i in range(21))


@model("torchscript", 11, [dict(x=(2, 4, 6), i=given(3, 0, 1))], outputs=laid_out)
def layout_opset_11():
    return Of(lay_out)


@model("torchscript", 19, [dict(x=(2, 4, 6), i=given(3, 0, 1)), dict(x=(3, 4, 6), i=given(0, 2))], dict(x={0: "N"}, i={0: "K"}), laid_out)
def layout_opset_19():
    return Of(lay_out)


@model("dynamo", 18, [dict(x=(2, 4, 6), i=given(3, 0, 1))], dict(x={0: "N"}), laid_out)
def layout_dynamo():
    return Of(lay_out)


def calculate(m, x, y):
    p = x.abs() + 0.1
    return (p.exp(), p.log(), p.sqrt(), p.rsqrt(), p.reciprocal(), x.pow(2), x.pow(3), p.pow(y), p ** -1.5, x.sin(), x.cos(), x.erf(), (x * 4).floor(),
            (x * 4).ceil(), (x * 4).round(), x.sign(), -x, x / p, x % 0.3, torch.fmod(x, 0.3), x.clamp(-0.3, 0.4), x.clamp(min=0.1), torch.maximum(x, y),
            torch.minimum(x, y), torch.where(x > y, x, y * 2), x.masked_fill(x < 0, 7.0), ((x > 0) & ~(y >= 0.5)) | (x == y), x.ne(y), x <= y,
            (x > 0).to(x.dtype).mean(-1), torch.log1p(p), torch.expm1(x), torch.log2(p), torch.tan(x), torch.sinh(x), torch.cosh(x), x.trunc())


def every_calculation(without=()):
    """TorchScript's exporter has no expm1, sinh, cosh and trunc, and opset 9 neither Round nor Mod."""
    return Of(lambda m, x, y: [one for i, one in enumerate(calculate(m, x, y.expand_as(x))) if i not in without])


calculated = tuple(f"y{i}" for i in range(37))


@model("torchscript", 9, [dict(x=(2, 3, 4), y=(3, 1))], outputs=calculated[:30])
def arithmetic_opset_9():
    return every_calculation(without=(14, 18, 19, 31, 34, 35, 36))


@model("torchscript", 16, [dict(x=(2, 3, 4), y=(3, 1)), dict(x=(1, 3, 5), y=(3, 5))], dict(x={0: "N", 2: "C"}, y={1: "D"}), calculated[:33])
def arithmetic_opset_16():
    return every_calculation(without=(31, 34, 35, 36))


@model("dynamo", 18, [dict(x=(2, 3, 4), y=(3, 1))], outputs=calculated)
def arithmetic_dynamo():
    return every_calculation()


def multiply(m, a, b, v):
    return (a @ b, torch.bmm(a, b), torch.einsum("bij,bjk->bki", a, b), a @ v, m.table @ b, torch.addmm(m.row, a[0], b[0], beta=0.5, alpha=2.0),
            torch.baddbmm(m.row, a, b), F.linear(a, m.table, m.row), torch.outer(v, v), v @ v)


multiplied = tuple(f"y{i}" for i in range(10))
factors = [dict(a=(2, 3, 4), b=(2, 4, 3), v=(4,)), dict(a=(3, 3, 4), b=(3, 4, 3), v=(4,))]


def with_tables():
    m = Of(multiply)
    for name, shape in dict(table=(3, 4), row=(3,)).items():
        m.register_parameter(name, nn.Parameter(torch.randn(shape)))
    return m


@model("torchscript", 12, factors, dict(a={0: "N"}, b={0: "N"}), multiplied)
def products_opset_12():
    return with_tables()


@model("dynamo", 18, factors[:1], outputs=multiplied)
def products_dynamo():
    return with_tables()


def normalise(m, x):
    return (x.softmax(1), x.softmax(-1), x.log_softmax(0), x.log_softmax(2), m.norm(x), F.layer_norm(x, (3, 4)), F.normalize(x, dim=1), m.batch(x.transpose(1, 2)))


def with_norms():
    m = Of(normalise, norm=nn.LayerNorm(4), batch=nn.BatchNorm1d(4))
    nn.init.uniform_(m.norm.weight, 0.5, 1.5)
    nn.init.uniform_(m.norm.bias, -0.5, 0.5)
    return trained_norms(m)


normalised = tuple(f"y{i}" for i in range(8))


@model("torchscript", 12, [dict(x=(2, 3, 4))], dict(x={0: "N"}), normalised)
def normalisation_opset_12():
    return with_norms()


@model("torchscript", 17, [dict(x=(2, 3, 4)), dict(x=(5, 3, 4))], dict(x={0: "N"}), normalised)
def normalisation_opset_17():
    return with_norms()


@model("torchscript", 14, [dict(x=(2, 4))], float16=True)
def perceptron_half():
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))


@model("torchscript", 14, [dict(x=(2, 4))], float64=True)
def perceptron_double():
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
