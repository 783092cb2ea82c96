"""The models of the tasks in PyTorch, with our tasks' default sizes. Sequences are [T,B,...]."""

import torch
from torch import nn
from torch.nn.utils import rnn as sequences

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Steps(nn.Module):
    """Columns of tokens as embeddings side by side, or numbers, and a recurrent layer."""

    def __init__(self, sizes, cell="lstm", hidden=64, both=True, dropout=0.2):
        """sizes: of each column its tokens, and how wide its embedding is at most; or how many numbers a step has"""
        super().__init__()
        self.embeddings = None
        if not isinstance(sizes, int):
            widths = [min(width, -(-tokens // 2)) for tokens, width in sizes]
            self.embeddings = nn.ModuleList(nn.Embedding(tokens, w) for (tokens, _), w in zip(sizes, widths))
            sizes = sum(widths)
        self.rnn = CELLS[cell](sizes, hidden, bidirectional=both)
        self.dropout = nn.Dropout(dropout)
        self.both = both

    def forward(self, x, lengths):
        """outputs [T,B,D*H], and the last of each direction [B,D*H]"""
        if self.embeddings:
            x = torch.cat([one(x[..., i]) for i, one in enumerate(self.embeddings)], -1)
        x = self.dropout(x)
        if (lengths == len(x)).all():
            output, state = self.rnn(x)
        else:
            packed, state = self.rnn(sequences.pack_padded_sequence(x, lengths, enforce_sorted=False))
            output, _ = sequences.pad_packed_sequence(packed)
        h = state[0] if isinstance(state, tuple) else state
        return self.dropout(output), torch.cat([h[0], h[1]], -1) if self.both else h[0]


class Classifier(nn.Module):
    def __init__(self, sizes, labels, settings):
        super().__init__()
        both = settings.get("bidirectional", True)
        self.pooling = settings.get("pooling", "max")
        is_large = not isinstance(sizes, int) and any(tokens >= 1000 for tokens, _ in sizes)
        dropout = settings.get("dropout", 0.5 if is_large else 0.2)
        self.steps = Steps(sizes, settings.get("cell", "lstm"), both=both, dropout=dropout)
        self.head = nn.Linear(128 if both else 64, labels)

    def forward(self, x, lengths):
        output, last = self.steps(x, lengths)
        if self.pooling == "last":
            return self.head(last)
        is_padding = torch.arange(len(output))[:, None] >= lengths
        if self.pooling == "mean":
            return self.head(output.masked_fill(is_padding[..., None], 0).sum(0) / lengths[:, None])
        return self.head(output.masked_fill(is_padding[..., None], -torch.inf).amax(0))


class Tagger(nn.Module):
    def __init__(self, sizes, labels, settings):
        super().__init__()
        self.steps = Steps(sizes)
        self.head = nn.Linear(128, labels)

    def forward(self, x, lengths):
        return self.head(self.steps(x, lengths)[0])


class Language(nn.Module):
    def __init__(self, tokens):
        super().__init__()
        self.embedding = nn.Embedding(tokens, 64)
        self.rnn = nn.LSTM(64, 128)
        self.head = nn.Linear(128, tokens)
        self.dropout = nn.Dropout(0.2)

    def forward(self, x, state):
        output, state = self.rnn(self.dropout(self.embedding(x)), state)
        return self.head(self.dropout(output)), state


class Decoder(nn.Module):
    """Writes a text from a first state, from what joins every step, or from what attention looks at."""

    def __init__(self, tokens, joined=0, encoded=0, dropout=0.0):
        super().__init__()
        self.embedding = nn.Embedding(tokens, 64)
        self.rnn = nn.LSTM(64 + joined, 128)
        self.head = nn.Linear(128, tokens)
        self.dropout = nn.Dropout(dropout)
        if encoded:
            self.query, self.key = nn.Linear(128, 128, bias=False), nn.Linear(encoded, 128, bias=False)
            self.v = nn.Parameter(torch.empty(128).uniform_(-(128**-0.5), 128**-0.5))
            self.combine = nn.Linear(128 + encoded, 128)

    def forward(self, before, state=None, joined=None, encoded=None, lengths=None):
        x = self.embedding(before)
        if joined is not None:
            x = torch.cat([x, joined.expand(len(x), -1, -1)], -1)
        output, state = self.rnn(self.dropout(x), state)
        if encoded is not None:
            # Of [T,S,B,128] each target step looks at each source step.
            scores = (self.query(output)[:, None] + self.key(encoded)).tanh() @ self.v
            is_padding = torch.arange(len(encoded))[:, None] >= lengths
            weights = scores.masked_fill(is_padding, -torch.inf).softmax(1)
            context = torch.einsum("tsb,sbk->tbk", weights, encoded)
            output = self.combine(torch.cat([context, output], -1)).tanh()
        return self.head(self.dropout(output)), state


class Writer(nn.Module):
    def forward(self, source, before):
        state, given = self.read(source)
        return self.decoder(before, state, **given)[0]

    def write(self, source, begin, end, longest, beam=1):
        """By beam search, which with one hypothesis is greedy: of each text the hypothesis of the best mean log-probability."""
        state, given = self.read(source)
        count = len(source) if isinstance(source, torch.Tensor) else len(source[1])
        # Row b * beam + w is hypothesis w of text b.
        widen = lambda x: None if x is None else x.repeat_interleave(beam, 0 if x is given.get("lengths") else -2)
        state, given = state and tuple(widen(part) for part in state), {name: widen(x) for name, x in given.items()}
        first = torch.arange(count)[:, None] * beam
        tokens = torch.full((count * beam, 1), begin)
        # A search begins with one hypothesis.
        sums = torch.full((count, beam), -torch.inf)
        sums[:, 0] = 0
        for _ in range(longest):
            scores, after = self.decoder(tokens[None, :, -1], state, **given)
            # Padding, unknown and begin are never written.
            scores[..., :3] = -torch.inf
            logs = scores[0].log_softmax(-1)
            # What is finished goes on with its end at no cost.
            done = tokens[:, -1] == end
            logs[done] = -torch.inf
            logs[done, end] = 0
            totals = sums[..., None] + logs.view(count, beam, -1)
            lengths = (tokens[:, 1:] != end).sum(1).view(count, beam, 1) + 1
            best = (totals / lengths).flatten(1).topk(beam).indices
            sums = totals.flatten(1).gather(1, best)
            rows = (first + best // logs.shape[1]).flatten()
            tokens = torch.cat([tokens[rows], (best % logs.shape[1]).view(-1, 1)], 1)
            state = tuple(part[:, rows] for part in after)
            if (tokens[:, -1] == end).all():
                break
        texts = tokens[first[:, 0], 1:].tolist()
        return [text[: text.index(end)] if end in text else text for text in texts]


class Captioner(Writer):
    def __init__(self, features, tokens):
        super().__init__()
        self.hidden = nn.Linear(features, 128)
        self.dropout = nn.Dropout(0.2)
        self.decoder = Decoder(tokens, joined=128, dropout=0.2)

    def read(self, image):
        return None, {"joined": self.dropout(self.hidden(image).tanh())}


class Translator(Writer):
    def __init__(self, read, tokens):
        super().__init__()
        self.steps = Steps([(read, 64)], hidden=128, dropout=0.0)
        self.h, self.c = nn.Linear(256, 128), nn.Linear(256, 128)
        self.decoder = Decoder(tokens, encoded=256)

    def read(self, source):
        x, lengths = source
        encoded, last = self.steps(x[..., None], lengths)
        return (self.h(last).tanh()[None], self.c(last)[None]), {"encoded": encoded, "lengths": lengths}


class Autoencoder(nn.Module):
    def __init__(self, features, size=8):
        super().__init__()
        self.steps = Steps(features, dropout=0.0)
        self.bottleneck, self.start = nn.Linear(128, size), nn.Linear(size, 64)
        self.rnn = nn.LSTM(size + 1, 64)
        self.head = nn.Linear(64, features)

    def forward(self, x):
        T, B, _ = x.shape
        vector = self.bottleneck(self.steps(x, torch.full((B,), T))[1])
        h = self.start(vector).tanh()[None]
        places = (torch.arange(T) / T)[:, None, None].expand(T, B, 1)
        output, _ = self.rnn(torch.cat([vector.expand(T, B, -1), places], -1), (h, torch.zeros_like(h)))
        return self.head(output)


class Forecaster(nn.Module):
    def __init__(self, horizon, quantiles):
        super().__init__()
        self.rnn = nn.GRU(1, 32)
        self.head = nn.Linear(32, horizon * quantiles)
        self.shape = (-1, horizon, quantiles)

    def forward(self, past):
        return self.head(self.rnn(past)[1][0]).view(self.shape)
