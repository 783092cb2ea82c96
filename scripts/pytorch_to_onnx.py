#!/usr/bin/env python3
"""Exports small models by PyTorch's own exporters (TorchScript and dynamo) and records what PyTorch computes with them, in float64:
test/onnx/pytorch-models.test.ts imports each and compares. The files are test/recorded/onnx/NAME.onnx, without the notes of the
exporter, and one line of JSON a model in test/recorded/onnx/pytorch-models.jsonl. Recorded with PyTorch 2.13.0, onnx 1.23.1 and
onnxscript 0.7.2:

    pip install torch onnx onnxscript
    python3 scripts/pytorch_to_onnx.py [NAME...]

What goes in is not recorded. Number i of input j is ((i * 7919 + 101 * j) % 997) / 498.5 - 1, or for whole numbers
(i * 7919 + 101 * j) % below, or written out.
"""

import copy
import io
import json
import logging
import sys
import warnings
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
folder = Path(__file__).resolve().parent.parent / "test" / "recorded" / "onnx"

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


def tensor(spec, j, dtype=torch.float64):
    if isinstance(spec, tuple):
        size = torch.Size(spec).numel()
        return torch.tensor([((i * 7919 + 101 * j) % 997) / 498.5 - 1 for i in range(size)], dtype=torch.float64).to(dtype).reshape(spec)
    if "data" in spec:
        return torch.tensor(spec["data"]).reshape(spec["shape"])
    size = torch.Size(spec["shape"]).numel()
    return torch.tensor([(i * 7919 + 101 * j) % spec["below"] for i in range(size)]).reshape(spec["shape"])


def flat(result):
    if isinstance(result, torch.Tensor):
        return [result]
    return [one for part in result for one in flat(part)]


class Of(nn.Module):
    """A module of parts, with a function as its forward."""

    def __init__(self, forward, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.function = forward

    def forward(self, *args):
        return self.function(self, *args)


# Recurrent layers ------------------------------------------------------------------------------------------------------------

BT = dict(x={0: "B", 1: "T"})
TB = dict(x={0: "T", 1: "B"})
batches = [dict(x=(2, 5, 3)), dict(x=(1, 1, 3)), dict(x=(3, 7, 3))]


@model("torchscript", 9, batches, BT, ("y", "h", "c"))
def lstm_batch_first():
    return nn.LSTM(3, 4, batch_first=True)


@model("torchscript", 7, [dict(x=(5, 2, 3), h0=(1, 2, 4), c0=(1, 2, 4))], dict(x={0: "T"}), ("y", "h", "c"))
def lstm_states_opset_7():
    return Of(lambda m, x, h, c: m.rnn(x, (h, c)), rnn=nn.LSTM(3, 4))


@model("torchscript", 11, [dict(x=(5, 2, 3)), dict(x=(3, 1, 3))], TB, ("y", "h", "c"))
def lstm_two_layers_bidirectional():
    return nn.LSTM(3, 4, num_layers=2, bidirectional=True, dropout=0.3)


@model("torchscript", 17, batches, BT)
def lstm_without_bias():
    return Of(lambda m, x: m.rnn(x)[0], rnn=nn.LSTM(3, 5, num_layers=3, bias=False, batch_first=True))


@model("torchscript", 13, [dict(x=(4, 2, 3), h0=(2, 2, 3), c0=(2, 2, 3)), dict(x=(2, 3, 3), h0=(2, 3, 3), c0=(2, 3, 3))],
       dict(x={0: "T", 1: "B"}, h0={1: "B"}, c0={1: "B"}), ("y", "h", "c"))
def lstm_stateful_two_layers():
    return Of(lambda m, x, h, c: m.rnn(x, (h, c)), rnn=nn.LSTM(3, 3, num_layers=2))


@model("torchscript", 12, [dict(x=(3, 6, 3), lengths=given(6, 4, 1)), dict(x=(2, 4, 3), lengths=given(4, 2))],
       dict(x={0: "B", 1: "T"}, lengths={0: "B"}), ("y", "h"))
def lstm_packed_bidirectional():
    def forward(m, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        y, (h, _) = m.rnn(packed)
        return nn.utils.rnn.pad_packed_sequence(y, batch_first=True)[0], h

    return Of(forward, rnn=nn.LSTM(3, 4, batch_first=True, bidirectional=True))


@model("torchscript", 16, [dict(x=(6, 3, 3), lengths=given(6, 5, 2))], dict(x={0: "T", 1: "B"}, lengths={0: "B"}))
def gru_packed_last():
    def forward(m, x, lengths):
        _, h = m.rnn(nn.utils.rnn.pack_padded_sequence(x, lengths))
        return m.head(h[-1])

    return Of(forward, rnn=nn.GRU(3, 4, num_layers=2), head=nn.Linear(4, 2))


@model("torchscript", 10, [dict(x=(5, 2, 3)), dict(x=(2, 4, 3))], TB, ("y", "h"))
def gru():
    return nn.GRU(3, 4)


@model("torchscript", 14, batches, BT, ("y", "h"))
def gru_two_layers_bidirectional_without_bias():
    return nn.GRU(3, 3, num_layers=2, bidirectional=True, bias=False, batch_first=True)


@model("torchscript", 8, [dict(x=(5, 2, 3), h0=(1, 2, 4))], dict(x={0: "T"}), ("y", "h"))
def gru_state_opset_8():
    return nn.GRU(3, 4)


@model("torchscript", 9, [dict(x=(5, 2, 3)), dict(x=(1, 3, 3))], TB, ("y", "h"))
def rnn_tanh_bidirectional():
    return nn.RNN(3, 4, bidirectional=True)


@model("torchscript", 15, batches, BT, ("y", "h"))
def rnn_relu_two_layers():
    return nn.RNN(3, 4, num_layers=2, nonlinearity="relu", batch_first=True)


@model("dynamo", 18, [dict(x=(2, 5, 3)), dict(x=(4, 3, 3))], BT, ("y", "h", "c"))
def lstm_dynamo():
    return nn.LSTM(3, 4, batch_first=True)


@model("dynamo", 18, [dict(x=(2, 4, 3))], outputs=("y", "h"))
def gru_dynamo_bidirectional():
    return nn.GRU(3, 4, batch_first=True, bidirectional=True)


@model("torchscript", 14, [dict(x=(2, 4, 3))])
def lstm_cell_unrolled():
    def forward(m, x):
        h = c = x.new_zeros(2, 4)
        all = []
        for t in range(4):
            h, c = m.cell(x[:, t], (h, c))
            all.append(h)
        return torch.stack(all, 1)

    return Of(forward, cell=nn.LSTMCell(3, 4))


@model("torchscript", 11, [dict(x=(3, 2, 3))])
def gru_cell_unrolled():
    def forward(m, x):
        h = torch.zeros(2, 4, dtype=x.dtype)
        for one in x.unbind(0):
            h = m.cell(one, h)
        return h

    return Of(forward, cell=nn.GRUCell(3, 4))


class WrittenLSTM(nn.Module):
    """One product for all gates, as converters write it."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(7, 16) * 0.4)
        self.bias = nn.Parameter(torch.randn(16) * 0.4)

    def forward(self, x, h, c):
        all = []
        for t in range(3):
            i, f, g, o = (torch.cat([x[t], h], 1) @ self.weight + self.bias).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            all.append(h)
        return torch.stack(all), h, c


@model("torchscript", 12, [dict(x=(3, 2, 3), h=(2, 4), c=(2, 4))], outputs=("y", "hn", "cn"))
def lstm_written_out():
    return WrittenLSTM()


class ScriptedLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(7, 4)

    def forward(self, x, h):
        for t in range(x.shape[0]):
            h = torch.tanh(self.cell(torch.cat([x[t], h], 1)))
        return h


@model("torchscript", 16, [dict(x=(5, 2, 3), h=(2, 4)), dict(x=(2, 2, 3), h=(2, 4))], dict(x={0: "T"}))
def loop_scripted():
    return torch.jit.script(ScriptedLoop())


class ScriptedIf(nn.Module):
    def __init__(self):
        super().__init__()
        self.short = nn.Linear(3, 2)
        self.long = nn.Linear(3, 2)

    def forward(self, x):
        if x.shape[0] > 2:
            y = self.long(x) * 2.0
        else:
            y = self.short(x).tanh()
        return y


@model("torchscript", 13, [dict(x=(2, 3)), dict(x=(5, 3))], dict(x={0: "B"}))
def if_scripted():
    return torch.jit.script(ScriptedIf())


# Convolution and pooling -----------------------------------------------------------------------------------------------------


def trained_norms(m):
    """Batch normalisation with statistics that are not 0 and 1."""
    for part in m.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            part.running_mean.uniform_(-0.5, 0.5)
            part.running_var.uniform_(0.5, 2)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.5, 0.5)
    return m


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


# Whole models ----------------------------------------------------------------------------------------------------------------


@model("torchscript", 13, [dict(x=(9, 2, 4)), dict(x=(4, 1, 4))], TB)
def ctc_trained():
    """Trained with CTC for some steps; what comes out are logarithms of probabilities."""
    m = Of(lambda m, x: m.head(m.rnn(x)[0]).log_softmax(-1), rnn=nn.GRU(4, 5, bidirectional=True), head=nn.Linear(10, 5))
    optimizer = torch.optim.Adam(m.parameters(), lr=0.02)
    x = torch.randn(9, 4, 4)
    for _ in range(20):
        loss = F.ctc_loss(m(x), torch.tensor([[1, 2, 3], [2, 2, 4], [4, 1, 1], [3, 4, 2]]), torch.full((4,), 9), torch.full((4,), 3))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return m


class Seq2Seq(nn.Module):
    def __init__(self):
        super().__init__()
        self.source = nn.Embedding(11, 4, padding_idx=0)
        self.target = nn.Embedding(9, 4)
        self.encoder = nn.GRU(4, 5, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(10, 5)
        self.decoder = nn.GRU(4, 5, batch_first=True)
        self.head = nn.Linear(5, 9)

    def forward(self, source, target):
        _, h = self.encoder(self.source(source))
        start = torch.tanh(self.bridge(torch.cat([h[0], h[1]], -1))).unsqueeze(0)
        return self.head(self.decoder(self.target(target), start)[0])


pairs = [dict(source=ints(2, 5, below=11), target=ints(2, 4, below=9)), dict(source=ints(1, 3, below=11), target=ints(1, 6, below=9))]
pairs_dynamic = dict(source={0: "B", 1: "S"}, target={0: "B", 1: "T"})


@model("torchscript", 14, pairs, pairs_dynamic)
def encoder_decoder():
    return Seq2Seq()


class AttentionSeq2Seq(nn.Module):
    """Scores by a product, masked where the source is padding."""

    def __init__(self):
        super().__init__()
        self.source = nn.Embedding(11, 4, padding_idx=0)
        self.target = nn.Embedding(9, 4)
        self.encoder = nn.LSTM(4, 3, batch_first=True, bidirectional=True)
        self.decoder = nn.LSTM(4, 6, batch_first=True)
        self.keys = nn.Linear(6, 6, bias=False)
        self.head = nn.Linear(12, 9)

    def forward(self, source, target):
        memory, (h, c) = self.encoder(self.source(source))
        state = [s.transpose(0, 1).reshape(1, -1, 6) for s in (h, c)]
        y, _ = self.decoder(self.target(target), (state[0], state[1]))
        scores = torch.bmm(y, self.keys(memory).transpose(1, 2))
        scores = scores.masked_fill((source == 0).unsqueeze(1), -1e9)
        weights = scores.softmax(-1)
        return self.head(torch.cat([y, weights @ memory], -1)), weights


@model("torchscript", 15, pairs, pairs_dynamic, ("y", "weights"))
def encoder_decoder_attention():
    return AttentionSeq2Seq()


@model("dynamo", 18, pairs[:1], outputs=("y", "weights"))
def encoder_decoder_attention_dynamo():
    return AttentionSeq2Seq()


class AdditiveAttention(nn.Module):
    """Bahdanau's scores, with lengths."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.v = nn.Linear(3, 4, bias=False), nn.Linear(5, 4), nn.Linear(4, 1, bias=False)

    def forward(self, query, memory, lengths):
        scores = self.v(torch.tanh(self.query(query).unsqueeze(2) + self.key(memory).unsqueeze(1))).squeeze(-1)
        real = torch.arange(memory.shape[1], device=memory.device)[None, :] < lengths[:, None]
        weights = torch.where(real[:, None, :], scores, torch.full_like(scores, -1e9)).softmax(-1)
        return weights @ memory


@model("torchscript", 12, [dict(query=(2, 3, 3), memory=(2, 4, 5), lengths=given(4, 2)), dict(query=(1, 2, 3), memory=(1, 3, 5), lengths=given(1))],
       dict(query={0: "B", 1: "T"}, memory={0: "B", 1: "S"}, lengths={0: "B"}))
def attention_additive():
    return AdditiveAttention()


@model("torchscript", 14, [dict(x=(2, 5, 4))], dict(x={0: "B", 1: "T"}))
def attention_multihead():
    # What it does elsewhere, which is one operator of its own in evaluation.
    torch.backends.mha.set_fastpath_enabled(False)
    return Of(lambda m, x: m.attention(x, x, x, need_weights=False)[0], attention=nn.MultiheadAttention(4, 2, batch_first=True))


@model("torchscript", 17, [dict(x=(2, 5, 4)), dict(x=(1, 3, 4))], dict(x={0: "B", 1: "T"}))
def attention_causal_block():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.norm2 = nn.LayerNorm(4), nn.LayerNorm(4, eps=1e-4)
            self.qkv, self.out = nn.Linear(4, 12), nn.Linear(4, 4)
            self.feed = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4))

        def forward(self, x):
            B, T, C = x.shape
            q, k, v = (part.view(B, T, 2, 2).transpose(1, 2) for part in self.qkv(self.norm(x)).split(C, -1))
            scores = q @ k.transpose(-1, -2) / 2**0.5
            mask = torch.ones(T, T, dtype=torch.bool, device=x.device).tril()
            scores = scores.masked_fill(~mask, float("-inf"))
            x = x + self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(B, T, C))
            return x + self.feed(self.norm2(x))

    return Block()


@model("dynamo", 20, [dict(x=(2, 5, 4))], dict(x={0: "B"}))
def transformer_layer_dynamo():
    return nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, activation="gelu", norm_first=True)


@model("torchscript", 12, [dict(tokens=ints(6, 2, below=13)), dict(tokens=ints(1, 1, below=13))], dict(tokens={0: "T", 1: "B"}), ("y", "h"))
def language_model():
    def forward(m, tokens):
        y, (h, _) = m.rnn(m.embedding(tokens))
        return F.log_softmax(F.linear(y, m.embedding.weight), -1), h

    return Of(forward, embedding=nn.Embedding(13, 4), rnn=nn.LSTM(4, 4, num_layers=2))


@model("torchscript", 13, [dict(x=(2, 6, 3), lengths=given(6, 3)), dict(x=(3, 4, 3), lengths=given(1, 4, 2))],
       dict(x={0: "B", 1: "T"}, lengths={0: "B"}), ("y", "most"))
def classifier_masked_mean():
    def forward(m, x, lengths):
        y = m.rnn(x)[0]
        mask = (torch.arange(x.shape[1]).unsqueeze(0) < lengths.unsqueeze(1)).unsqueeze(-1)
        mean = (y * mask).sum(1) / lengths.unsqueeze(1)
        y = m.head(mean)
        return y, y.argmax(-1)

    return Of(forward, rnn=nn.GRU(3, 4, batch_first=True, bidirectional=True), head=nn.Linear(8, 5))


# Embedding bags --------------------------------------------------------------------------------------------------------------

bags = [dict(tokens=ints(3, 4, below=7))]


@model("torchscript", 13, bags)
def embedding_bag_sum():
    return nn.EmbeddingBag(7, 3, mode="sum")


@model("torchscript", 13, bags)
def embedding_bag_mean():
    return nn.EmbeddingBag(7, 3, mode="mean")


@model("torchscript", 13, bags)
def embedding_bag_max():
    return nn.EmbeddingBag(7, 3, mode="max")


@model("torchscript", 13, [dict(tokens=ints(3, 4, below=7), weights=(3, 4))])
def embedding_bag_weighted():
    return Of(lambda m, tokens, weights: m.bag(tokens, per_sample_weights=weights), bag=nn.EmbeddingBag(7, 3, mode="sum"))


@model("torchscript", 16, [dict(tokens=ints(3, 4, below=7)), dict(tokens=ints(2, 5, below=7))], dict(tokens={0: "B", 1: "T"}))
def embedding_bag_written_out():
    """What a bag is, by functions; padding does not count."""
    def forward(m, tokens):
        real = (tokens != 0).to(m.table.weight.dtype).unsqueeze(-1)
        return (m.table(tokens) * real).sum(1) / real.sum(1).clamp(min=1)

    return Of(forward, table=nn.Embedding(7, 3))


# Functions -------------------------------------------------------------------------------------------------------------------

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


@model("torchscript", 14, [dict(x=(2, 4))], half=True)
def perceptron_half():
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))


@model("torchscript", 14, [dict(x=(2, 4))], double=True)
def perceptron_double():
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))


# Recording -------------------------------------------------------------------------------------------------------------------


def stripped(proto):
    """Without what the exporter notes about where a node comes from: files of this machine, and most of the bytes."""
    def strip(graph):
        for part in [graph, *graph.node, *graph.initializer, *graph.input, *graph.output]:
            part.doc_string = ""
            del part.metadata_props[:]
        del graph.value_info[:]
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    strip(attribute.g)

    strip(proto.graph)
    for function in proto.functions:
        function.doc_string = ""
        del function.metadata_props[:]
        del function.value_info[:]
        for node in function.node:
            node.doc_string = ""
            del node.metadata_props[:]
    del proto.metadata_props[:]
    proto.doc_string = ""
    return proto


def export(module, args, names, exporter, opset, dynamic, outputs):
    if exporter == "dynamo":
        shapes = None
        if dynamic:
            lengths = {}
            shapes = tuple({axis: lengths.setdefault(length, torch.export.Dim(length)) for axis, length in dynamic.get(name, {}).items()}
                           for name in names)
            if isinstance(module, Of):
                shapes = (shapes,)
        program = torch.onnx.export(module, args, dynamo=True, opset_version=opset, dynamic_shapes=shapes, verbose=False,
                                    input_names=names, output_names=list(outputs))
        return program.model_proto
    buffer = io.BytesIO()
    torch.onnx.export(module, args, buffer, dynamo=False, opset_version=opset, dynamic_axes=dynamic, input_names=names,
                      output_names=list(outputs))
    return onnx.load_from_string(buffer.getvalue())


def plain(value):
    data = value.flatten().tolist()
    return dict(shape=list(value.shape), data=[round(x, 7) if isinstance(x, float) else int(x) for x in data])


def record(name, make, exporter, opset, cases, dynamic, outputs, options):
    torch.manual_seed(sum(map(ord, name)))
    module = make().eval()
    dtype = torch.float16 if options.get("half") else torch.float64 if options.get("double") else torch.float32
    module = module.to(dtype)
    names = list(cases[0])
    args = tuple(tensor(spec, j, dtype) for j, spec in enumerate(cases[0].values()))
    with torch.no_grad():
        exact = (module if isinstance(module, torch.jit.ScriptModule) else copy.deepcopy(module)).to(torch.float64)
        results = [flat(exact(*(tensor(spec, j) for j, spec in enumerate(case.values())))) for case in cases]
        module = exact.to(dtype)
        proto = stripped(export(module, args, names, exporter, opset, dynamic, outputs))
    data = proto.SerializeToString()
    (folder / f"{name}.onnx").write_bytes(data)
    described = []
    for case, values in zip(cases, results):
        inputs = {key: dict(shape=list(spec)) if isinstance(spec, tuple) else spec for key, spec in case.items()}
        described.append(dict(inputs=inputs, outputs={o.name: plain(value) for o, value in zip(proto.graph.output, values)}))
    assert len(results[0]) == len(proto.graph.output), (len(results[0]), [o.name for o in proto.graph.output])
    opset = next(one.version for one in proto.opset_import if one.domain == "")
    return len(data), dict(name=name, exporter=exporter, opset=opset, operators=sorted({n.op_type for n in proto.graph.node}), cases=described)


def main():
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pytorch-models.jsonl"
    before = {}
    if path.exists():
        before = {line["name"]: line for line in map(json.loads, path.read_text().splitlines())}
    chosen = sys.argv[1:]
    total = 0
    for name, *rest in models:
        if chosen and name not in chosen:
            continue
        try:
            size, line = record(name, *rest)
        except Exception as error:  # The others are still worth recording.
            print(f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:200]}", file=sys.stderr)
            continue
        before[name] = line
        total += size
        print(f"{name}: {size} bytes, opset {line['opset']}, {', '.join(line['operators'])}", file=sys.stderr)
    lines = [json.dumps(before[name], separators=(",", ":")) for name, *_ in models if name in before]
    path.write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} models, {total} bytes in files", file=sys.stderr)


main()
