"""Trains a tiny language model in PyTorch, in float64, once for every option of every optimizer, and prints what came
out, a line of JSON for each: test/train/optimizers.test.ts holds our trainer to it. Recorded with PyTorch 2.13.0:

    python3 test/recorded/record-optimizers.py > test/recorded/optimizers.jsonl
"""
import json

import torch
from torch import nn

V, E, H, T, B, STEPS = 5, 3, 4, 4, 3, 6
torch.set_default_dtype(torch.float64)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, E)
        self.rnn = nn.RNN(E, H)
        self.head = nn.Linear(H, V)

    def forward(self, tokens, h):
        y, h = self.rnn(self.embedding(tokens), h)
        return self.head(y), h


torch.manual_seed(1)
# Values that float32 can hold, so that every backend begins with the same ones.
initial = {name: p.detach().float().double() for name, p in Model().state_dict().items()}
tokens = torch.randint(0, V, (STEPS * T + 1, B))

# Ours on the left (options of the trainer beside those of the optimizer), PyTorch's on the right.
runs = [
    ("sgd", dict(lr=0.1), {}),
    ("sgd", dict(lr=0.1, momentum=0.9), {}),
    ("sgd", dict(lr=0.1, momentum=0.9, dampening=0.5), {}),
    ("sgd", dict(lr=0.1, momentum=0.9, nesterov=True), {}),
    ("sgd", dict(lr=0.1, weightDecay=0.1), {}),
    ("sgd", dict(lr=0.1, momentum=0.8, dampening=0.25, weightDecay=0.2), {}),
    ("adam", dict(), {}),
    ("adam", dict(lr=0.01, betas=(0.8, 0.95), eps=1e-3), {}),
    ("adam", dict(lr=0.01, weightDecay=0.1), {}),
    ("adam", dict(lr=0.05, betas=(0.5, 0.5), amsgrad=True), {}),
    ("adamW", dict(lr=0.01), {}),
    ("adamW", dict(lr=0.05, weightDecay=0.2, betas=(0.5, 0.6), amsgrad=True), {}),
    ("rmsprop", dict(), {}),
    ("rmsprop", dict(lr=0.005, alpha=0.8, eps=1e-3), {}),
    ("rmsprop", dict(lr=0.005, momentum=0.9), {}),
    ("rmsprop", dict(lr=0.005, alpha=0.9, centered=True), {}),
    ("rmsprop", dict(lr=0.005, alpha=0.9, centered=True, momentum=0.5, weightDecay=0.1), {}),
    ("adagrad", dict(), {}),
    ("adagrad", dict(lr=0.1, lrDecay=0.1), {}),
    ("adagrad", dict(lr=0.1, initialAccumulatorValue=0.5, weightDecay=0.05, eps=1e-2), {}),
    ("adamax", dict(), {}),
    ("adamax", dict(lr=0.02, betas=(0.8, 0.95), eps=1e-3, weightDecay=0.1), {}),
    ("nadam", dict(), {}),
    ("nadam", dict(lr=0.02, betas=(0.8, 0.95), eps=1e-3, momentumDecay=1), {}),
    ("nadam", dict(lr=0.02, weightDecay=0.1), {}),
    ("nadam", dict(lr=0.02, weightDecay=0.1, decoupledWeightDecay=True), {}),
    # Rectified in the sixth step; record-optimizer-steps.py goes further.
    ("radam", dict(lr=0.02), {}),
    ("radam", dict(lr=0.02, betas=(0.8, 0.95), eps=1e-3, weightDecay=0.1), {}),
    ("radam", dict(lr=0.02, betas=(0.7, 0.9), weightDecay=0.1, decoupledWeightDecay=True), {}),
    ("adadelta", dict(), {}),
    ("adadelta", dict(lr=0.5, rho=0.8, eps=1e-3, weightDecay=0.1), {}),
    ("asgd", dict(lr=0.1), {}),
    ("asgd", dict(lr=0.1, lambd=0.1, alpha=0.5, t0=2, weightDecay=0.1), {}),
    ("rprop", dict(), {}),
    ("rprop", dict(lr=0.02, etas=(0.3, 1.6), stepSizes=(8e-3, 0.05)), {}),
    ("sgd", dict(lr=0.5), dict(clipNorm=0.1)),
    ("sgd", dict(lr=0.5), dict(clipNorm=100.0)),
    ("sgd", dict(lr=0.5), dict(clipValue=0.02)),
    ("adam", dict(lr=0.01), dict(clipValue=0.05, clipNorm=0.2)),
    ("sgd", dict(lr=0.1, momentum=0.9), dict(stepSize=2, gamma=0.5)),
    ("adam", dict(lr=0.01), dict(cosine=5, minFactor=0.1)),
    ("adamax", dict(lr=0.01), dict(clipNorm=0.1, stepSize=2, gamma=0.5)),
    ("nadam", dict(lr=0.01), dict(clipValue=0.05, cosine=5, minFactor=0.1)),
    ("sgd", dict(lr=0.3), dict(ignoreIndex=2)),
    ("sgd", dict(lr=0.3), dict(resetRow=1)),
    ("sgd", dict(lr=0.3), dict(carryState=False)),
]
theirs = {
    "weightDecay": "weight_decay",
    "lrDecay": "lr_decay",
    "initialAccumulatorValue": "initial_accumulator_value",
    "momentumDecay": "momentum_decay",
    "decoupledWeightDecay": "decoupled_weight_decay",
    "stepSizes": "step_sizes",
}
classes = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamW": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adamax": torch.optim.Adamax,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adadelta": torch.optim.Adadelta,
    "asgd": torch.optim.ASGD,
    "rprop": torch.optim.Rprop,
}


def train(name, options, more):
    model = Model()
    model.load_state_dict(initial)
    given = {theirs.get(key, key): value for key, value in options.items()}
    if name == "sgd":
        given.setdefault("lr", 1e-3)
    optimizer = classes[name](model.parameters(), **given)
    schedule = None
    if "stepSize" in more:
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, more["stepSize"], more["gamma"])
    if "cosine" in more:
        lr = optimizer.param_groups[0]["lr"]
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, more["cosine"], lr * more["minFactor"])
    loss_of = nn.CrossEntropyLoss(ignore_index=more.get("ignoreIndex", -100))
    h = torch.zeros(1, B, H)
    losses, norms = [], []
    for step in range(STEPS):
        x, target = tokens[step * T : (step + 1) * T], tokens[step * T + 1 : (step + 1) * T + 1]
        if "resetRow" in more and step == 3:
            h[:, more["resetRow"]] = 0
        if more.get("carryState") is False:
            h = torch.zeros(1, B, H)
        optimizer.zero_grad()
        logits, h = model(x, h)
        h = h.detach()
        loss = loss_of(logits.reshape(-1, V), target.reshape(-1))
        loss.backward()
        if "clipValue" in more:
            nn.utils.clip_grad_value_(model.parameters(), more["clipValue"])
        # The norm alone, when there is no limit.
        norms.append(nn.utils.clip_grad_norm_(model.parameters(), more.get("clipNorm", 1e300)).item())
        optimizer.step()
        if schedule:
            schedule.step()
        losses.append(loss.item())
    weights = {key: value.reshape(-1).tolist() for key, value in model.state_dict().items()}
    return dict(optimizer=name, options=options, more=more, losses=losses, norms=norms, weights=weights)


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.14g}")
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    return [rounded(entry) for entry in value] if isinstance(value, (list, tuple)) else value


recorded = dict(
    sizes=dict(V=V, E=E, H=H, T=T, B=B, steps=STEPS),
    tokens=tokens.reshape(-1).tolist(),
    initial={name: dict(shape=list(p.shape), data=p.reshape(-1).tolist()) for name, p in initial.items()},
)
print(json.dumps(recorded))
for run in runs:
    print(json.dumps(rounded(train(*run))))
