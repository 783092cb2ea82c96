"""Writes sentiment.safetensors: a PyTorch model's weights, and what it says of four sentences, for from-pytorch.ts.

python3 demo/examples/sentiment.py   (Python with PyTorch; the file in the repository was written with PyTorch 2.13)
"""

import os
import sys

import torch
from torch import nn

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "python"))
from from_pytorch import save_weights  # noqa: E402


class Sentiment(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 8)
        self.lstm = nn.LSTM(8, 12, num_layers=2, batch_first=True)
        self.head = nn.Linear(12, 2)

    def forward(self, tokens, lengths):
        x = nn.utils.rnn.pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(x)
        return self.head(h[-1])


torch.manual_seed(1)
model = Sentiment()
tokens = torch.randint(0, 50, (4, 6), dtype=torch.int32)
lengths = torch.tensor([6, 3, 1, 5], dtype=torch.int32)
case = {"tokens": tokens, "lengths": lengths, "expected": model(tokens, lengths.long()).detach()}
save_weights(os.path.join(here, "sentiment.safetensors"), {**model.state_dict(), **case})
