"""Convolution and pooling, with recurrent layers behind them."""

import torch
import torch.nn.functional as F
from pytorch_to_onnx_cases import Of, model, trained_norms
from torch import nn


@model("torchscript", 9, [dict(x=(2, 4, 13)), dict(x=(1, 4, 22))], dict(x={0: "N", 2: "L"}))
def conv1d_stack():
    return trained_norms(nn.Sequential(
        nn.Conv1d(4, 6, 3, stride=2, padding=1), nn.BatchNorm1d(6), nn.ReLU(),
        nn.Conv1d(6, 6, 2, dilation=2, groups=3, bias=False), nn.BatchNorm1d(6), nn.LeakyReLU(0.2),
        nn.MaxPool1d(2, stride=1), nn.AvgPool1d(2, padding=1, count_include_pad=False)))


@model("torchscript", 11, [dict(x=(2, 3, 11, 9)), dict(x=(1, 3, 14, 10))], dict(x={0: "N", 2: "H", 3: "W"}))
def conv2d_options():
    return trained_norms(nn.Sequential(
        nn.ZeroPad2d((2, 0, 1, 0)), nn.Conv2d(3, 6, (3, 2), stride=(1, 2), padding=(1, 0), groups=3), nn.BatchNorm2d(6), nn.ELU(0.7),
        nn.Conv2d(6, 4, 3, dilation=(2, 1), padding="same"), nn.Hardtanh(-0.8, 0.9),
        nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), nn.AvgPool2d((2, 1), stride=1, count_include_pad=True, padding=(1, 0))))


@model("torchscript", 13, [dict(x=(2, 4, 6, 5))], dict(x={0: "N"}))
def conv2d_separable():
    return trained_norms(nn.Sequential(
        nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 8, 1), nn.BatchNorm2d(8), nn.ReLU6(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)))


@model("torchscript", 12, [dict(x=(2, 4, 5), z=(1, 2, 3, 4))], dict(x={0: "N", 2: "L"}), ("y", "w"))
def conv_transposed():
    return Of(lambda m, x, z: (m.one(x), m.two(z)),
              one=nn.ConvTranspose1d(4, 6, 4, stride=3, padding=1, output_padding=2, groups=2),
              two=nn.ConvTranspose2d(2, 3, (3, 2), stride=(2, 1), dilation=(1, 2), padding=(0, 1), bias=False))


@model("dynamo", 18, [dict(x=(2, 1, 8, 8))], dict(x={0: "N"}))
def autoencoder_dynamo():
    return trained_norms(nn.Sequential(
        nn.Conv2d(1, 3, 3, stride=2, padding=1), nn.BatchNorm2d(3), nn.SiLU(), nn.Conv2d(3, 2, 3, stride=2, padding=1), nn.GELU(),
        nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1), nn.ReLU(), nn.ConvTranspose2d(3, 1, 2, stride=2), nn.Sigmoid()))


class TCN(nn.Module):
    """Residual causal convolutions, gated."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv1d(3, 6, 2, dilation=2**i) for i in range(3))
        self.head = nn.Conv1d(3, 2, 1)

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = x + F.glu(layer(F.pad(x, (2**i, 0))), 1)
        return self.head(x)


@model("torchscript", 10, [dict(x=(2, 3, 9)), dict(x=(1, 3, 4))], dict(x={0: "N", 2: "L"}))
def tcn_gated():
    return TCN()


@model("dynamo", 18, [dict(x=(2, 3, 9)), dict(x=(2, 3, 5))], dict(x={2: "L"}))
def tcn_gated_dynamo():
    return TCN()


@model("torchscript", 15, [dict(x=(1, 3, 4), cache=(1, 3, 4))], outputs=("y", "next"))
def conv_streaming():
    def forward(m, x, cache):
        whole = torch.cat([cache, x], 2)
        return m.conv(whole), whole[:, :, -4:]

    return Of(forward, conv=nn.Conv1d(3, 2, 3, dilation=2))


@model("torchscript", 11, [dict(x=(2, 4, 3, 5))], dict(x={0: "N"}))
def group_and_instance_norm():
    return nn.Sequential(nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 1), nn.InstanceNorm2d(4, affine=True))


class CRNN(nn.Module):
    """Columns of an image, read by a bidirectional LSTM."""

    def __init__(self):
        super().__init__()
        self.conv = trained_norms(nn.Sequential(
            nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d((2, 1))))
        self.rnn = nn.LSTM(8, 5, num_layers=2, bidirectional=True)
        self.head = nn.Linear(10, 6)

    def forward(self, x):
        y = self.conv(x)
        y = y.permute(3, 0, 1, 2).flatten(2)
        return F.log_softmax(self.head(self.rnn(y)[0]), -1)


@model("torchscript", 11, [dict(x=(2, 1, 8, 14)), dict(x=(1, 1, 8, 9))], dict(x={0: "N", 3: "W"}))
def crnn():
    return CRNN()


@model("torchscript", 18, [dict(x=(1, 1, 8, 6))])
def crnn_fixed():
    return CRNN()


@model("dynamo", 18, [dict(x=(2, 1, 8, 14)), dict(x=(3, 1, 8, 14))], dict(x={0: "N"}))
def crnn_dynamo():
    return CRNN()
