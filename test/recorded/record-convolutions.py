"""Has PyTorch convolve and pool in float64, with options in random combinations, and prints results and gradients, a line of
JSON for each case: test/nn/convolutions-recorded.test.ts holds ours to it. What goes in is not recorded: number i of a tensor
is ((i * 7919 + shift) % 997) / 498.5 - 1, a shift for each tensor. Recorded with PyTorch 2.13.0:

    python3 test/recorded/record-convolutions.py > test/recorded/convolutions.jsonl
"""
import json
import random

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
random.seed(12)


def numbers(shape, shift):
    size = 1
    for n in shape:
        size *= n
    return torch.tensor([((i * 7919 + shift) % 997) / 498.5 - 1 for i in range(size)]).reshape(shape)


def rounded(tensor):
    return [round(value, 6) for value in tensor.flatten().tolist()]


def record(function, options, inputs, forward):
    tensors = {name: numbers(shape, 101 * i).requires_grad_() for i, (name, shape) in enumerate(inputs.items())}
    y = forward(**tensors)
    (y * numbers(y.shape, 500)).sum().backward()
    grads = {name: rounded(tensor.grad) for name, tensor in tensors.items()}
    print(json.dumps(dict(function=function, options=options, inputs=inputs, shape=list(y.shape), y=rounded(y), grads=grads),
                     separators=(",", ":")))


def pick(axes, low, high):
    return [random.randint(low, high) for _ in range(axes)]


def padded(x, around, value=0.0):
    """F.pad counts from the last axis."""
    return F.pad(x, [n for pair in reversed(around) for n in pair], value=value)


def cut(y, around):
    for i, (before, after) in enumerate(around):
        y = y.narrow(i + 2, before, y.shape[i + 2] - before - after)
    return y


def convolution(axes, turned):
    groups = random.choice([1, 1, 2, 3])
    C, O = groups * random.randint(1, 2), groups * random.randint(1, 3)
    kernel, stride, dilation = pick(axes, 1, 3), pick(axes, 1, 3), pick(axes, 1, 2)
    padding = [pick(2, 0, 2) for _ in range(axes)]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel)]
    lengths = [random.choice([1, 2, 4]) + (0 if turned else r) for r in reach]
    inputs = dict(x=[random.randint(1, 2), C, *lengths], weight=[C if turned else O, (O if turned else C) // groups, *kernel])
    if random.random() < 0.7:
        inputs["bias"] = [O]
    options = dict(stride=stride, dilation=dilation, padding=padding, groups=groups)
    plain = dict(stride=stride, dilation=dilation, groups=groups)
    if turned:
        more = [random.randint(0, max(s, d) - 1) for s, d in zip(stride, dilation)]
        options["outputPadding"] = more
        whole = [(n - 1) * s + r + m for n, s, r, m in zip(lengths, stride, reach, more)]
        for pair, n in zip(padding, whole):
            if sum(pair) >= n:
                pair[:] = [0, 0]
        f = [F.conv_transpose1d, F.conv_transpose2d][axes - 1]
        record(f"convTranspose{axes}d", options, inputs,
               lambda x, weight, bias=None: cut(f(x, weight, bias, output_padding=more, **plain), padding))
    else:
        f = [F.conv1d, F.conv2d][axes - 1]
        record(f"conv{axes}d", options, inputs, lambda x, weight, bias=None: f(padded(x, padding), weight, bias, **plain))


def pool(axes, kind):
    kernel, stride = pick(axes, 1, 4), pick(axes, 1, 3)
    padding = [random.randint(0, k // 2) for k in kernel]
    dilation = pick(axes, 1, 2) if kind == "max" else [1] * axes
    options = dict(stride=stride, padding=padding, ceilMode=random.random() < 0.6)
    given = dict(stride=stride, padding=padding, ceil_mode=options["ceilMode"])
    if kind == "max":
        options["dilation"] = given["dilation"] = dilation
    else:
        options["countIncludePad"] = given["count_include_pad"] = random.random() < 0.5
    lengths = [random.choice([0, 1, 3]) + d * (k - 1) + 1 for d, k in zip(dilation, kernel)]
    f = getattr(F, f"{kind}_pool{axes}d")
    record(f"{kind}Pool{axes}d", dict(kernelSize=kernel, **options), dict(x=[1, 2, *lengths]),
           lambda x: f(x, kernel, **given))


for axes in (1, 2):
    for _ in range(7):
        convolution(axes, False)
        convolution(axes, True)
        pool(axes, "max")
        pool(axes, "avg")
