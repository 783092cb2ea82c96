"""Whole models: CTC, encoder and decoder, attention, language models, embedding bags."""

import torch
import torch.nn.functional as F
from pytorch_to_onnx_cases import TB, Of, given, ints, model
from torch import nn


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
