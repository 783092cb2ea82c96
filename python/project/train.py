"""Goes on with the training of a character model where webgpu-rnn stopped: the same batches, optimizer and schedule.

    python train.py                            # one process
    torchrun --nproc-per-node 4 train.py       # several: each takes its part of the batch's rows

Every --checkpoint-every steps and at the end it replaces training.safetensors, from which it goes on when it is started
again and which `webgpu-rnn train --resume` and `webgpu-rnn generate` take, and model.safetensors beside it, the weights
alone.
"""

import argparse
import json
import math
import os
from array import array
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

import checkpoint
import optimizers
import schedules
from model import CharModel

# As exact as training in webgpu-rnn is. True is faster on a GPU, and rounds products to 10 bits.
torch.backends.cudnn.allow_tf32 = False

HERE = Path(__file__).parent


class Windows:
    """Cuts a stream of N tokens into B rows; window s of an epoch is the tokens s·T to s·T+T-1 of every row."""

    def __init__(self, tokens, window, batch):
        self.tokens, self.window, self.batch = tokens, window, batch
        self.row_length = (len(tokens) - 1) // batch
        self.steps_per_epoch = self.row_length // window

    def at(self, step, rows):
        """The inputs and targets [T, B] of some rows, and whether an epoch begins, whose state is zeros."""
        index = step % self.steps_per_epoch
        starts = torch.tensor(rows) * self.row_length + index * self.window
        positions = starts + torch.arange(self.window).unsqueeze(1)
        return self.tokens[positions], self.tokens[positions + 1], index == 0


def fingerprint(text):
    """webgpu-rnn's: the length in UTF-16 units, and two 32-bit FNV-1a hashes over them."""
    units = array("H", text.encode("utf-16-le"))
    forward, other = 0x811C9DC5, 0x01000193
    for i, unit in enumerate(units):
        forward = (forward ^ unit) * 0x01000193 & 0xFFFFFFFF
        other = (other ^ (unit << 7) + i) * 0x01000193 & 0xFFFFFFFF
    return f"{len(units)}-{forward:08x}{other:08x}"


def read_text(path, settings, characters):
    """The text as windows to train on and, where a part of it is kept for that, to validate on."""
    if not path.exists():
        raise SystemExit(f"{path}: is not there; name the text that the model was trained on with --text")
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    found = fingerprint(text)
    if found != settings["text"]:
        raise SystemExit(f"{path}: is not the text trained on (fingerprint {found}, expected {settings['text']})")
    number = {character: token for token, character in enumerate(characters)}
    tokens = torch.tensor(array("q", [number[character] for character in text]), dtype=torch.int64)
    window, batch = settings["window"], settings["batch"]
    cut = len(tokens) - math.floor(len(tokens) * settings["validationFraction"])
    kept = tokens[cut:]
    validation = None
    if len(kept) > 1:
        length = min(window, len(kept) - 1)
        validation = Windows(kept, length, min(batch, (len(kept) - 1) // length))
    return Windows(tokens[:cut], window, batch), validation


def detached(state):
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


def parts_of(state):
    """h, or h and c, by name."""
    return dict(zip("hc", state if isinstance(state, tuple) else (state,)))


@torch.no_grad()
def validate(model, windows, device):
    """The mean loss of all windows, the state carried from one to the next."""
    total, state = 0.0, None
    rows = list(range(windows.batch))
    for step in range(windows.steps_per_epoch):
        x, target, _ = windows.at(step, rows)
        logits, state = model(x.to(device), state)
        total += cross_entropy(logits.flatten(0, 1), target.to(device).flatten()).item()
    return total / windows.steps_per_epoch


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--text", type=Path, default=HERE / "text.txt", help="what the model was trained on")
    options.add_argument("--file", type=Path, default=HERE / "training.safetensors", help="the checkpoint")
    options.add_argument("--steps", type=int, help="steps in all; default: as many as were planned")
    options.add_argument("--validate-every", type=int, default=100, help="steps; 0: at the end only")
    options.add_argument("--checkpoint-every", type=int, default=100, help="steps; 0: at the end only")
    given = options.parse_args()

    # torchrun says which process this is; alone it is the first of one.
    rank, processes = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    on_gpu = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(device)
    if processes > 1:
        dist.init_process_group("nccl" if on_gpu else "gloo")

    tensors, metadata = checkpoint.read(given.file)
    saved = json.loads(metadata["checkpoint"])
    settings, first = saved["training"], saved["step"]
    steps = given.steps or settings.get("steps", first)
    if first >= steps:
        raise SystemExit(f"{given.file}: has done {first} of {steps} steps; say how far to go on in all with --steps")
    batch = settings["batch"]
    if processes > batch:
        raise SystemExit(f"the batch has {batch} rows, too few for {processes} processes; start at most {batch}")
    training, validation = read_text(given.text, settings, saved["vocabulary"]["characters"])
    rows = list(range(rank * batch // processes, (rank + 1) * batch // processes))

    model = CharModel().to(device)
    model.load_state_dict({name: tensors[f"model.{name}"] for name in model.state_dict()})
    optimizer = optimizers.make(settings["optimizer"], model)
    optimizers.load(optimizer, settings["optimizer"], model, tensors, first)
    lr = optimizer.param_groups[0]["lr"]
    schedule = schedules.make(settings.get("schedule"))
    if saved["scheduleState"]:
        schedule.restore(saved["scheduleState"])
    carried = [tensors[f"carry.{name}"] for name in "hc" if f"carry.{name}" in tensors]
    carried = [part[:, rows].contiguous().to(device) for part in carried]
    state = tuple(carried) if len(carried) > 1 else carried[0] if carried else None
    distributed = DistributedDataParallel(model) if processes > 1 else model

    def save(step):
        here = {name: part.cpu() for name, part in parts_of(state).items()}
        everywhere = [here]
        if processes > 1:
            everywhere = [None] * processes
            dist.all_gather_object(everywhere, here)
        if rank > 0:
            return
        weights = model.state_dict()
        kept = {f"model.{name}": weight for name, weight in weights.items()}
        kept.update(optimizers.state(optimizer, settings["optimizer"], model, tensors))
        kept.update({f"carry.{name}": torch.cat([part[name] for part in everywhere], 1) for name in here})
        progress = {"step": step, "scheduleState": schedule.state(), "training": {**settings, "steps": steps}}
        plain = {key: saved[key] for key in ("format", "version", "config", "vocabulary")}
        checkpoint.write(given.file, kept, {"checkpoint": json.dumps({**plain, **progress}, ensure_ascii=False)})
        alone = {"checkpoint": json.dumps(plain, ensure_ascii=False)}
        checkpoint.write(given.file.with_name("model.safetensors"), weights, alone)

    for step in range(first, steps):
        x, target, begins = training.at(step, rows)
        if begins:
            state = None
        for group in optimizer.param_groups:
            group["lr"] = lr * schedule.factor(step)
        logits, state = distributed(x.to(device), state)
        state = detached(state)
        # This process's share of the mean over the whole batch.
        total = cross_entropy(logits.flatten(0, 1), target.to(device).flatten(), reduction="sum")
        loss = total / (training.window * batch)
        optimizer.zero_grad()
        (loss * processes).backward()  # DistributedDataParallel divides by the processes
        if "clipValue" in settings:
            torch.nn.utils.clip_grad_value_(model.parameters(), settings["clipValue"])
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.get("clipNorm", math.inf))
        optimizer.step()

        whole = loss.detach()
        if processes > 1:
            dist.all_reduce(whole)
        if not math.isfinite(whole.item()):
            raise SystemExit(f"training diverged in step {step + 1}; use a smaller learning rate or a clipNorm")
        if rank == 0:
            print(f"step {step + 1} loss {whole.item():.9g} norm {norm.item():.9g}", flush=True)
        ends, done = step + 1 == steps, step + 1
        due = given.validate_every > 0 and done % given.validate_every == 0
        if validation and (ends or due):
            measured = validate(model, validation, device) if rank == 0 else 0.0
            measured = torch.tensor(measured, dtype=torch.float64, device=device)
            if processes > 1:
                dist.broadcast(measured, 0)
            if due:
                schedule.observe(measured.item())
            if rank == 0:
                print(f"validation {done} loss {measured.item():.9g}", flush=True)
        if ends or (given.checkpoint_every > 0 and done % given.checkpoint_every == 0):
            save(done)

    if processes > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
