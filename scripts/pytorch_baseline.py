#!/usr/bin/env python3
"""Trains the default character language model in PyTorch: the bar for `webgpu-rnn train`.

    python3 scripts/pytorch_baseline.py TEXT [--seeds 0 1 2] [--steps 2000] [--threads 1]

Needs only PyTorch >= 1.13. Everything is float32 on the CPU. The settings, in full, so that the
TypeScript side can be set to the same:

  vocabulary      the distinct code points of the whole text, in ascending order
  split           the last floor(0.1 * N) tokens are validation, the rest training
  batches         as src/data/windows.ts: rowLength = floor((N - 1) / B); row b starts at token
                  b * rowLength; floor(rowLength / T) windows an epoch; window s reads positions
                  s*T .. s*T+T-1 of every row, its targets are one position later; what is left
                  of a row after the last window is not used; no shuffling
  state           (h, c) goes from window to window without gradient (truncated back-propagation),
                  and is zero at the first window of every epoch
  model           Embedding(V, 64) -> LSTM(64, 128, 1 layer, both biases) -> Linear(128, V);
                  no dropout, no tied weights
  initialisation  PyTorch's defaults: embedding N(0, 1); every LSTM tensor U(-1/sqrt(128),
                  1/sqrt(128)), biases too, no forget-gate bonus; Linear weight and bias
                  U(-1/sqrt(128), 1/sqrt(128))
  loss            cross-entropy, mean over the T*B tokens, in nats
  clipping        by the global norm of all parameters, at 1: every gradient is multiplied by
                  min(1, 1 / (norm + 1e-6))
  optimizer       Adam, lr 2e-3, betas (0.9, 0.999), eps 1e-8, no weight decay, constant rate
  validation      the same windows over the validation tokens, state zero at the first one and
                  carried after it, mean over all its tokens, divided by ln 2: bits per character
"""

import argparse
import json
import math
import sys
import time

import torch
from torch import nn


class Windows:
    """Windows [T,B] of one token stream, cut as src/data/windows.ts cuts them."""

    def __init__(self, tokens, window, batch):
        row_length = (len(tokens) - 1) // batch
        self.steps_per_epoch = row_length // window
        if self.steps_per_epoch < 1:
            sys.exit(
                f"{len(tokens)} tokens are too few for a batch of {batch} rows with windows of "
                f"{window}: {batch * window + 1} are needed"
            )
        self.window = window
        # [rowLength, B], time-major; the targets are the same rows, one token later.
        used = row_length * batch
        self.x = tokens[:used].view(batch, row_length).t().contiguous()
        self.target = tokens[1 : used + 1].view(batch, row_length).t().contiguous()

    def at(self, step):
        index = step % self.steps_per_epoch
        rows = slice(index * self.window, (index + 1) * self.window)
        return self.x[rows], self.target[rows], index == 0


class CharModel(nn.Module):
    def __init__(self, vocab_size, cell, embedding_dim, hidden_size, num_layers):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        if cell == "lstm":
            self.rnn = nn.LSTM(embedding_dim, hidden_size, num_layers)
        elif cell == "gru":
            self.rnn = nn.GRU(embedding_dim, hidden_size, num_layers)
        else:
            self.rnn = nn.RNN(embedding_dim, hidden_size, num_layers, nonlinearity=cell[4:])
        self.head = nn.Linear(hidden_size, vocab_size)

    def forward(self, tokens, state):
        output, state = self.rnn(self.embedding(tokens), state)
        return self.head(output), state


def detached(state):
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


def cross_entropy(logits, target):
    return nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten())


def bits_per_character(model, windows):
    """Mean over every token of the windows; all windows are equally large."""
    total, state = 0.0, None
    with torch.no_grad():
        for step in range(windows.steps_per_epoch):
            x, target, _ = windows.at(step)
            logits, state = model(x, state)
            total += cross_entropy(logits, target).item()
    return total / windows.steps_per_epoch / math.log(2)


def train(seed, vocab_size, training, validation, options):
    torch.manual_seed(seed)
    model = CharModel(
        vocab_size, options.cell, options.embedding_dim, options.hidden_size, options.num_layers
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=options.lr)
    state, start, curve = None, time.perf_counter(), {}
    for step in range(options.steps):
        x, target, reset = training.at(step)
        logits, state = model(x, None if reset else state)
        state = detached(state)
        loss = cross_entropy(logits, target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), options.clip_norm)
        optimizer.step()
        done = step + 1
        if done % options.every == 0 or done == options.steps:
            bits = bits_per_character(model, validation)
            curve[done] = round(bits, 4)
            print(
                f"seed {seed} step {done}: training loss {loss.item():.4f} nats, "
                f"validation {bits:.4f} bits per character, {time.perf_counter() - start:.0f} s",
                flush=True,
            )
    return curve


def main():
    parser = argparse.ArgumentParser(
        description="Train the default character model in PyTorch and print its validation bits per character."
    )
    parser.add_argument("text", help="a UTF-8 text file")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--every", type=int, default=500, help="validate every so many steps (500)")
    parser.add_argument("--cell", choices=["lstm", "gru", "rnn_tanh", "rnn_relu"], default="lstm")
    parser.add_argument("--embedding-dim", type=int, default=64)
    parser.add_argument("--hidden-size", type=int, default=128)
    parser.add_argument("--num-layers", type=int, default=1)
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--clip-norm", type=float, default=1.0)
    parser.add_argument("--validation", type=float, default=0.1, help="fraction of the text (0.1)")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    # newline="" keeps the file's own line ends: the TypeScript side reads bytes, too.
    with open(options.text, encoding="utf-8", newline="") as file:
        text = file.read()
    vocabulary = sorted(set(text))
    index = {character: i for i, character in enumerate(vocabulary)}
    tokens = torch.tensor([index[character] for character in text])
    cut = len(tokens) - int(len(tokens) * options.validation)
    training = Windows(tokens[:cut], options.window, options.batch)
    validation = Windows(tokens[cut:], options.window, options.batch)
    print(
        f"{len(tokens)} tokens, vocabulary {len(vocabulary)}, {training.steps_per_epoch} training "
        f"and {validation.steps_per_epoch} validation windows an epoch, torch {torch.__version__}",
        flush=True,
    )
    curves = {
        seed: train(seed, len(vocabulary), training, validation, options) for seed in options.seeds
    }
    print(json.dumps({"validationBitsPerCharacter": curves}))


if __name__ == "__main__":
    main()
