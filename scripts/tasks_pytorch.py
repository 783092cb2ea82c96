"""The models of the tasks in PyTorch, on the same rows: the other column of docs/tasks/on-data.md.

    node scripts/run-ts.mjs scripts/tasks-on-data.ts FOLDER --seeds 0,1,2 --rows ROWS
    python scripts/tasks_pytorch.py ROWS [--only "NAME;…"] [--seeds 0,1,2] [--json FILE]

Each file of ROWS is one training: rows, already cut into words or letters, and the task's options. What the options leave out is
our tasks' default, written down here a second time: sizes, vocabularies, batches, dropout, Adam, clipping, when to stop, and that
the weights of the best validation count. A line is printed, and added to FILE, for each. Seconds are the processor's, of one thread.
"""

import argparse
import collections
import functools
import json
import math
import pathlib
import random
import time
import unicodedata

import torch
from torch import nn
from torch.nn.utils import rnn as sequences

from tasks_pytorch_forecast import forecast
from tasks_pytorch_models import Autoencoder, Captioner, Classifier, Language, Tagger, Translator

torch.set_num_threads(1)


def vocabulary(lists, least=1, special=2, most=20_000):
    """Numbers of symbols, those that are there most often first; the first numbers are special tokens."""
    counts = collections.Counter(symbol for symbols in lists for symbol in symbols)
    known = sorted((-n, symbol) for symbol, n in counts.items() if n >= least)[: most - special]
    return {symbol: special + i for i, (_, symbol) in enumerate(known)}


UNKNOWN = 1


def encoded(symbols, known, unknown=UNKNOWN):
    return torch.tensor([known.get(symbol, unknown) for symbol in symbols])


def least_of(lists, kind, affixes=0):
    """Words that are there once are unknown ones, where there are many texts, or affixes tell of them."""
    flat = [symbol for symbols in lists for symbol in symbols]
    return 2 if kind in ("words", "tokens") and (len(lists) >= 1000 or affixes) and len(set(flat)) < len(flat) else 1


class Scaling:
    """Of the features of vectors: mean 0 and deviation 1, or from 0 to 1."""

    def __init__(self, vectors, to="standard"):
        low, high = vectors.amin(0), vectors.amax(0)
        self.offset, scale = (low, high - low) if to == "range" else (vectors.mean(0), vectors.std(0, correction=0))
        self.scale = torch.where(high > low, scale, 1.0)

    def __call__(self, vectors):
        return ((vectors - self.offset) / self.scale).float()


def batches_of(lengths, size, random_=None):
    """Places of rows; those of similar length together, sought among 64 batches at a time where the order is random."""
    order = list(range(len(lengths)))
    if random_:
        random_.shuffle(order)
    pool = 64 * size if random_ else len(order)
    pools = [sorted(order[i : i + pool], key=lambda at: lengths[at]) for i in range(0, len(order), pool)]
    found = [places[i : i + size] for places in pools for i in range(0, len(places), size)]
    if random_:
        random_.shuffle(found)
    return found


def learn(model, batches, loss_of, validate, seed, epochs=None, patience=None, plateau=False):
    """Trains, and keeps the weights of the best validation. batches(random): of an epoch; validate(): (monitor, loss), smaller is
    better. Returns the updates."""
    random_ = random.Random(seed)
    count = len(batches(random.Random(0)))
    epochs = epochs or min(300, max(10, math.ceil(1500 / count)))
    patience = patience or max(3, math.ceil(epochs / 5))
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1) if plateau else None
    best, kept, waited, updates = math.inf, None, 0, 0
    for _ in range(epochs):
        model.train()
        for batch in batches(random_):
            optimizer.zero_grad()
            loss_of(batch).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            updates += 1
        if validate is None:
            continue
        model.eval()
        with torch.no_grad():
            monitor, loss = validate()
        if schedule:
            schedule.step(loss)
        if monitor < best:
            best, waited, kept = monitor, 0, {name: value.clone() for name, value in model.state_dict().items()}
        else:
            waited += 1
            if waited >= patience:
                break
    if kept:
        model.load_state_dict(kept)
    model.eval()
    return updates


def mean_loss(loss_of, batches, count_of):
    """Over all that is counted, not over batches."""
    sums = [(loss_of(batch).item() * count_of(batch), count_of(batch)) for batch in batches]
    return sum(loss for loss, _ in sums) / sum(count for _, count in sums)


# Classes of rows, and of their steps.


@functools.cache
def affix(word, end, length):
    """Letters of Hangul syllables count, which are two or three."""
    letters = [letter for c in word for letter in (unicodedata.normalize("NFD", c) if "가" <= c <= "힣" else c)]
    return "".join(letters[:length] if end == "first" else letters[-length:])


def classes(problem, settings, seed):
    is_tagger = problem["task"] == "tag"
    rows, held, validation = problem["training"], problem["held"], problem["validation"]
    label = "tags" if is_tagger else "label"
    column = next(name for name in rows[0] if name != label)
    names = sorted({str(c) for row in rows + validation for c in (row[label] if is_tagger else [row[label]])})
    numbers = {name: i for i, name in enumerate(names)}
    if isinstance(rows[0][column][0], str):
        kind = settings.get("columns", {}).get(column, "tokens")
        affixes = settings.get("affixes", 5 if is_tagger else 0)
        ngrams = settings.get("ngrams", []) if kind in ("characters", "jamo") else []
        read = [lambda units: units]
        read += [
            (lambda units, end=end, n=n: [affix(word, end, n) for word in units])
            for n in range(1, (affixes if kind in ("words", "tokens") else 0) + 1)
            for end in ("first", "last")
        ]
        # Each unit and those before it; at the beginning of a text they are fewer.
        read += [
            (lambda units, n=n: ["".join(units[max(0, t + 1 - n) : t + 1]) for t in range(len(units))]) for n in ngrams
        ]
        known = []
        for i, of in enumerate(read):
            lists = [of(row[column]) for row in rows]
            # N-grams that are there once are unknown ones, as words are that have affixes.
            known.append(vocabulary(lists, least_of(lists, "words", 1) if ngrams and i else least_of(lists, kind, affixes)))
        inputs = lambda row: torch.stack([encoded(of(row[column]), k) for of, k in zip(read, known)], 1)
        sizes = [(len(k) + 2, 16 if i else 64) for i, k in enumerate(known)]
    else:
        steps = lambda row: torch.tensor(row[column], dtype=torch.float64)
        scaling = Scaling(torch.cat([steps(row) for row in rows]))
        inputs = lambda row: scaling(steps(row))
        sizes = len(rows[0][column][0])
    target = lambda row: torch.tensor([numbers.get(str(c), -1) for c in (row[label] if is_tagger else [row[label]])])
    examples = lambda some: [(inputs(row), target(row)) for row in some]
    training, validated, measured = examples(rows), examples(validation), examples(held)
    model = (Tagger if is_tagger else Classifier)(sizes, len(names), settings)
    cross_entropy = nn.CrossEntropyLoss(ignore_index=-100)

    def collated(some):
        lengths = torch.tensor([len(x) for x, _ in some])
        y = sequences.pad_sequence([y for _, y in some], padding_value=-100)
        return sequences.pad_sequence([x for x, _ in some]), lengths, y if is_tagger else y[0]

    def made(examples, size, random_=None):
        return [[examples[at] for at in places] for places in batches_of([len(x) for x, _ in examples], size, random_)]

    def loss_of(some):
        x, lengths, y = collated(some)
        return cross_entropy(model(x, lengths).flatten(0, -2), y.flatten())

    def accuracy(examples):
        right = count = loss = 0
        for some in made(examples, 64):
            x, lengths, y = collated(some)
            scores = model(x, lengths)
            is_real = y != -100
            right += (scores.argmax(-1) == y)[is_real].sum().item()
            count += is_real.sum().item()
            loss += nn.functional.cross_entropy(scores.flatten(0, -2), y.flatten(), reduction="sum").item()
        return right / count, loss / count

    def validate():
        share, loss = accuracy(validated)
        return 1e-8 * loss - share, loss

    options = {name: settings[name] for name in ("epochs", "patience") if name in settings}
    updates = learn(model, lambda r: made(training, 32, r), loss_of, validate, seed, **options)
    with torch.no_grad():
        return {"accuracy": accuracy(measured)[0], "updates": updates}


# The next character.


def language(problem, settings, seed):
    parts = [problem[name] for name in ("training", "validation", "held")]
    is_text = len(parts[0]) == 1
    begin, end = 1, 2
    known = vocabulary(parts[0], special=2 if is_text else 3)
    training, validated, measured = [[encoded(text, known, 0) for text in texts] for texts in parts]
    model = Language(len(known) + (2 if is_text else 3))
    cross_entropy = nn.CrossEntropyLoss(ignore_index=-100)

    def streams(text, rows=32, window=64):
        """One text cut into rows, whose state goes on from window to window."""
        per_row = math.ceil(len(text) / rows)
        y = torch.full((rows * per_row,), -100)
        y[: len(text)] = text
        y = y.view(rows, per_row).T
        x = torch.cat([torch.full((1, rows), begin), y[:-1].clamp(min=0)])
        return [(x[t : t + window], y[t : t + window], t == 0) for t in range(0, per_row, window)]

    def names(texts, size, random_=None):
        made = []
        for places in batches_of([len(text) + 1 for text in texts], size, random_):
            y = sequences.pad_sequence([torch.cat([texts[at], torch.tensor([end])]) for at in places], padding_value=-100)
            made.append((torch.cat([torch.full((1, len(places)), begin), y[:-1].clamp(min=0)]), y, True))
        return made

    state = None

    def loss_of(batch):
        nonlocal state
        x, y, is_first = batch
        scores, state = model(x, None if is_first else state)
        state = tuple(part.detach() for part in state)
        return cross_entropy(scores.flatten(0, 1), y.flatten())

    def nats(batches):
        nonlocal state
        before = state
        loss = mean_loss(loss_of, batches, lambda batch: (batch[1] >= 0).sum().item())
        state = before
        return loss

    def validate():
        loss = nats(streams(validated[0]) if is_text else names(validated, 32))
        return loss, loss

    batches = (lambda _: streams(training[0])) if is_text else (lambda r: names(training, 32, r))
    updates = learn(model, batches, loss_of, validate, seed, settings.get("epochs"))
    with torch.no_grad():
        loss = nats(streams(measured[0], 1, 256) if is_text else names(measured, 32))
    return {"bits": loss / math.log(2), "updates": updates}


# What is written: captions and translations.


def written(problem, settings, seed):
    rows, validation, held = (problem[name] for name in ("training", "validation", "held"))
    is_caption = problem["task"] == "caption"
    target = "caption" if is_caption else "target"
    begin, end = 2, 3
    texts = [row[target] for row in rows]
    known = vocabulary(texts, settings.get("minCount") or least_of(texts, settings.get("targetUnit")), special=4)
    longest = 2 * max(len(text) for text in texts) + 1
    if is_caption:
        scaling = Scaling(torch.tensor([row["image"] for row in rows], dtype=torch.float64))
        source = lambda row: scaling(torch.tensor(row["image"], dtype=torch.float64))
        model = Captioner(len(rows[0]["image"]), len(known) + 4)
    else:
        sources = [row["source"] for row in rows]
        read = vocabulary(sources, settings.get("minCount") or least_of(sources, settings.get("sourceUnit")))
        source = lambda row: encoded(row["source"], read)
        model = Translator(len(read) + 2, len(known) + 4)
    cross_entropy = nn.CrossEntropyLoss(ignore_index=-100)
    examples = lambda some: [(source(row), encoded([*row[target]], known)) for row in some]
    training, validated, measured = examples(rows), examples(validation), examples(held)

    def sources_of(some):
        found = [x for x, _ in some]
        return torch.stack(found) if is_caption else (sequences.pad_sequence(found), torch.tensor([len(x) for x in found]))

    def collated(some):
        y = sequences.pad_sequence([torch.cat([y, torch.tensor([end])]) for _, y in some], padding_value=-100)
        return sources_of(some), torch.cat([torch.full((1, len(some)), begin), y[:-1].clamp(min=0)]), y

    def made(examples, size, random_=None):
        lengths = [len(y if is_caption else x) for x, y in examples]
        return [collated([examples[at] for at in places]) for places in batches_of(lengths, size, random_)]

    def loss_of(batch):
        x, before, y = batch
        return cross_entropy(model(x, before).flatten(0, 1), y.flatten())

    def validate():
        loss = mean_loss(loss_of, made(validated, 32), lambda batch: (batch[2] >= 0).sum().item())
        return loss, loss

    epochs = settings.get("epochs", 30)
    check = validate if validated else None
    updates = learn(model, lambda r: made(training, 32, r), loss_of, check, seed, epochs, plateau=bool(validated))
    texts = []
    with torch.no_grad():
        for at in range(0, len(measured), 64):
            source = sources_of(measured[at : at + 64])
            texts += model.write(source, begin, end, longest, problem.get("beam", 1))
    references = [y.tolist() for _, y in measured]
    exact = sum(text == y for text, y in zip(texts, references)) / len(measured)
    return {"exact": exact, **({} if is_caption else {"bleu": bleu(texts, references)}), "updates": updates}


def bleu(texts, references):
    """Of a corpus, with one reference for each text, n-grams of up to four (Papineni et al. 2002)."""
    ngrams = lambda text, n: collections.Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1))
    logs = []
    for n in range(1, 5):
        pairs = [(ngrams(text, n), ngrams(y, n)) for text, y in zip(texts, references)]
        count = sum(one.total() for one, _ in pairs)
        hits = sum((one & other).total() for one, other in pairs)
        if count:
            logs.append(math.log(hits / count) if hits else -math.inf)
    written, wanted = (sum(map(len, some)) for some in (texts, references))
    return math.exp(sum(logs) / len(logs) + min(0, 1 - wanted / written)) if logs else 0


# What is known: rows of the digits that were trained on come back better than those of another one.


def autoencode(problem, settings, seed):
    column = next(iter(problem["training"][0]))
    parts = [torch.tensor([row[column] for row in problem[name]], dtype=torch.float64) for name in ("training", "validation", "held", "odd")]
    scaling = Scaling(parts[0].flatten(0, 1), "range")
    training, validated, measured, odd = [scaling(rows).transpose(0, 1) for rows in parts]
    model = Autoencoder(training.shape[2])
    made = lambda x, r=None: [x[:, places] for places in batches_of([0] * x.shape[1], 32, r)]
    errors = lambda x: (model(x) - x).pow(2).mean((0, 2))

    def loss_of(x):
        return (model(x + 0.1 * torch.randn_like(x)) - x).pow(2).mean()

    def validate():
        loss = errors(validated).mean().item()
        return loss, loss

    updates = learn(model, lambda r: made(training, r), loss_of, validate, seed)
    with torch.no_grad():
        normal, anomalous = errors(measured), errors(odd)
    is_above = (anomalous[:, None] > normal).double() + 0.5 * (anomalous[:, None] == normal)
    return {"auc": is_above.mean().item(), "updates": updates}


solvers = {
    "classify": classes,
    "tag": classes,
    "language": language,
    "caption": written,
    "translate": written,
    "autoencode": autoencode,
    "forecast": lambda problem, settings, seed: forecast(problem, settings, seed, learn),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=pathlib.Path)
    parser.add_argument("--only")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    seeds = options.seeds.split(",")
    for path in sorted(options.rows.glob("*.json")):
        if path.stem.rsplit("-")[-1] not in seeds:
            continue
        one = json.loads(path.read_text("utf8"))
        name, seed, problems = one["name"], one["seed"], one["problems"]
        if options.only and not any(part in name for part in options.only.split(";")):
            continue
        began = time.process_time()
        torch.manual_seed(seed)
        measured = [solvers[problem["task"]](problem, problem["settings"], seed) for problem in problems]
        result = measured[0]
        if problems[0]["task"] == "autoencode":
            areas = [one["auc"] for one in measured]
            result = {"digits with AUC ≥ 0.9": sum(area >= 0.9 for area in areas), "least AUC": min(areas)}
            result["updates"] = sum(one["updates"] for one in measured)
        line = {"name": name, "seed": seed, "by": "pytorch", **result, "seconds": time.process_time() - began}
        print(json.dumps(line, ensure_ascii=False), flush=True)
        if options.json:
            with options.json.open("a", encoding="utf8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


main()
