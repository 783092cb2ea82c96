#!/usr/bin/env python3
"""From PyTorch to webgpu-rnn: weights as safetensors, and parity cases for `npx webgpu-rnn verify`.

Needs PyTorch >= 1.13 and nothing else, not even NumPy. A parity case holds what your own PyTorch computes: inputs and
weights are rounded to float32 and stored so; everything expected of them is computed in float64 on the CPU. The format is
described in docs/cases.md. It is one file, longer than others here, so that it can be copied next to a model and run there.

    python3 from_pytorch.py weights model.pt model.safetensors
    python3 from_pytorch.py sequence gru.safetensors --cell gru --T 9 --B 4 --input-size 3 --hidden-size 7
    python3 from_pytorch.py train run.safetensors --cell lstm --T 12 --B 4 --steps 30 --optimizer adam --lr 0.01
    python3 from_pytorch.py again old/*.safetensors --out new

From Python, with modules of your own:

    from from_pytorch import save_weights, record_sequence, record_train
    save_weights("model.safetensors", model)
    record_sequence("mine.safetensors", model.lstm, x, h0, c0)
    record_train("mine-train.safetensors", model.embedding, model.lstm, model.head, tokens, T=12, optimizer="adam",
                 optimizer_options={"lr": 1e-2}, clip_grad_norm=1.0)
"""

import argparse
import contextlib
import ctypes
import json
import os
import pickle
import struct
import sys
import warnings

# PyTorch says so at its import where NumPy is not installed, and nothing here needs it.
warnings.filterwarnings("ignore", message="Failed to initialize NumPy")

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

CELLS = ["lstm", "gru", "rnn_tanh", "rnn_relu"]
OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adamax": torch.optim.Adamax,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adadelta": torch.optim.Adadelta,
    "asgd": torch.optim.ASGD,
    "rprop": torch.optim.Rprop,
}
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
# What webgpu-rnn does not read fits into what it does.
WIDER = {dtype: torch.int32 for dtype in (torch.bool, torch.uint8, torch.int8, torch.int16)}


class CaseError(Exception):
    """Something that cannot be written or recorded; the message says what, and what can."""


# --- files ----------------------------------------------------------------------------------------


def write_safetensors(path, tensors, metadata):
    """Writes tensors by name, under a temporary name that is then renamed."""
    if sys.byteorder != "little":
        raise CaseError("safetensors holds little-endian numbers, and this machine's are big-endian; use another one")
    header, chunks, end = {"__metadata__": metadata}, [], 0
    # Large elements first: so each tensor begins at a multiple of its element's size.
    for name, tensor in sorted(tensors.items(), key=lambda item: -item[1].element_size()):
        tensor = tensor.detach().cpu().contiguous()
        size = tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [end, end + size],
        }
        # Through memory, so that NumPy need not be there.
        chunks.append(ctypes.string_at(tensor.data_ptr(), size) if size else b"")
        end += size
    text = json.dumps(header).encode("utf-8")
    text += b" " * (-len(text) % 8)
    temporary = f"{path}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text + b"".join(chunks))
        os.replace(temporary, path)
    except OSError:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise


def read_safetensors(path):
    """Reads a safetensors file that is known to be well-formed: (tensors, metadata)."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        start = 8 + struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:start].decode("utf-8"))
    except (struct.error, ValueError) as error:
        raise CaseError(f"{path}: is not a safetensors file: {error}") from error
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if entry["dtype"] not in DTYPES:
            raise CaseError(f"{path}: tensor {name} is {entry['dtype']}; {', '.join(DTYPES)} can be read")
        dtype = DTYPES[entry["dtype"]]
        # A buffer of its own, because an offset in the file need not be aligned.
        values = bytearray(data[start + begin : start + end])
        flat = torch.frombuffer(values, dtype=dtype) if values else torch.empty(0, dtype=dtype)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors, metadata


def is_state_dict(value):
    return isinstance(value, dict) and len(value) > 0 and all(torch.is_tensor(entry) for entry in value.values())


def read_state_dict(path, key=None):
    """A state dict saved with torch.save, alone or under a key of a checkpoint, or as safetensors."""
    if path.endswith(".safetensors"):
        return read_safetensors(path)[0]
    save_one = "save one with torch.save(model.state_dict(), path)"
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # Only tensors and plain values are read: a pickle of anything else runs whatever code it names.
        raise CaseError(f"{path}: is not a state dict (a whole model, or no file of torch.save); {save_one}") from error
    keys = [name for name, value in loaded.items() if is_state_dict(value)] if isinstance(loaded, dict) else []
    if key is not None:
        if key not in keys:
            raise CaseError(f"{path}: has no state dict under the key '{key}'; there are {', '.join(keys) or 'none'}")
        return loaded[key]
    if is_state_dict(loaded):
        return loaded
    if keys:
        raise CaseError(f"{path}: is a checkpoint with the state dicts {', '.join(keys)}; choose one with --key {keys[0]}")
    raise CaseError(f"{path}: is not a state dict; {save_one}")


def with_prefix(state, prefix):
    """The entries whose names start with the prefix, without it."""
    found = {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}
    if not found:
        raise CaseError(f"no weight's name starts with '{prefix}'; the names are {', '.join(state)}")
    return found


def save_weights(path, model):
    """Writes the state dict of any torch.nn.Module, or a state dict, as safetensors, for webgpu-rnn's loadStateDict.

    Values are written as they are: F64, F32, F16, BF16, I64, I32; bool, uint8, int8 and int16 become I32. Weights that two
    modules share are there under both names. Returns the tensors that were written, by name.
    """
    state = model if isinstance(model, dict) else model.state_dict()
    tensors = {}
    for name, value in state.items():
        if not torch.is_tensor(value):
            raise CaseError(f"{name} is a {type(value).__name__}, and only tensors can be written; leave it out")
        tensor = value.to(WIDER[value.dtype]) if value.dtype in WIDER else value
        if tensor.dtype not in NAMES or tensor.layout != torch.strided or tensor.device.type == "meta":
            raise CaseError(
                f"{name} is a tensor of {value.dtype}, {value.layout}, on {value.device}; "
                f"dense tensors of {', '.join(DTYPES)} and small integers can be written: convert it, or leave it out"
            )
        tensors[name] = tensor
    write_safetensors(path, tensors, {"format": "pt"})
    return tensors


# --- models ---------------------------------------------------------------------------------------


def make_rnn(cell, input_size, hidden_size, num_layers=1, bias=True, bidirectional=False, proj_size=0):
    options = dict(num_layers=num_layers, bias=bias, bidirectional=bidirectional)
    if proj_size and cell != "lstm":
        raise CaseError(f"proj_size is {proj_size}, and only the cell lstm has projections, not {cell}")
    if cell == "lstm":
        return nn.LSTM(input_size, hidden_size, proj_size=proj_size, **options)
    if cell == "gru":
        return nn.GRU(input_size, hidden_size, **options)
    return nn.RNN(input_size, hidden_size, nonlinearity=cell[len("rnn_") :], **options)


def cell_of(rnn):
    if isinstance(rnn, nn.LSTM):
        return "lstm"
    if isinstance(rnn, nn.GRU):
        return "gru"
    if isinstance(rnn, nn.RNN):
        return f"rnn_{rnn.nonlinearity}"
    raise CaseError(f"{type(rnn).__name__} cannot be recorded; nn.LSTM, nn.GRU and nn.RNN can")


def rounded(tensor):
    """The value that is stored: float32."""
    return tensor.detach().cpu().to(torch.float32)


def exact(module, make):
    """A float64 copy, made by `make`, of a module whose weights were rounded to float32."""
    copy = make().double()
    copy.load_state_dict({name: rounded(value).double() for name, value in module.state_dict().items()})
    return copy


def exact_rnn(rnn):
    """The same for nn.LSTM, nn.GRU and nn.RNN; time-major whatever the original is."""
    if rnn.dropout > 0 and rnn.num_layers > 1:
        raise CaseError(f"dropout is {rnn.dropout}, and a case has to give the same numbers every time; set it to 0")
    cell = cell_of(rnn)
    return exact(
        rnn,
        lambda: make_rnn(
            cell,
            rnn.input_size,
            rnn.hidden_size,
            rnn.num_layers,
            bool(rnn.bias),
            rnn.bidirectional,
            getattr(rnn, "proj_size", 0),
        ),
    )


# --- sequence: one forward and backward pass ------------------------------------------------------


def record_sequence(path, rnn, x, h0=None, c0=None, lengths=None, gradout=None):
    """Records one forward and backward pass of nn.LSTM, nn.GRU or nn.RNN.

    x [T,B,inputSize], time-major even when the module is batch_first; h0 [layers*directions,B,H or projSize] and, for an
    LSTM, c0 [layers*directions,B,H]: both or neither, neither means zeros. lengths: B lengths in batch order, or None.
    gradout: dict of the loss's gradients y, hn and (LSTM) cn; None draws them from the normal distribution.
    """
    cell, copy = cell_of(rnn), exact_rnn(rnn)
    names = ["h0", "c0"] if cell == "lstm" else ["h0"]
    given = [state for state in (h0, c0) if state is not None]
    if given and len(given) != len(names):
        raise CaseError(f"the cell {cell} takes {' and '.join(names)}; give all of them or none")
    T, B, input_size = x.shape
    if input_size != rnn.input_size:
        raise CaseError(f"x is {list(x.shape)}, expected [T,B,{rnn.input_size}]")
    if lengths is not None and (len(lengths) != B or max(lengths) > T or min(lengths) < 1):
        raise CaseError(f"lengths are {list(lengths)}, expected {B} numbers from 1 to {T}")

    stored = {"x": rounded(x), **{name: rounded(state) for name, state in zip(names, given)}}
    inputs = {name: value.double().requires_grad_() for name, value in stored.items()}
    states = tuple(inputs[name] for name in names if name in inputs)
    sequence = inputs["x"]
    if lengths is not None:
        sequence = pack_padded_sequence(sequence, torch.tensor(lengths), enforce_sorted=False)
    state = None if not states else states if cell == "lstm" else states[0]
    y, final = copy(sequence, state)
    if lengths is not None:
        y, _ = pad_packed_sequence(y, total_length=T)
    outputs = {"y": y, **dict(zip(["hn", "cn"], final if cell == "lstm" else (final,)))}

    gradients = {name: rounded((gradout or {}).get(name, torch.randn_like(out))) for name, out in outputs.items()}
    loss = sum((outputs[name] * gradients[name].double()).sum() for name in outputs)
    loss.backward()

    case = {
        "kind": "sequence",
        "cell": cell,
        "T": T,
        "B": B,
        "inputSize": rnn.input_size,
        "hiddenSize": rnn.hidden_size,
        "numLayers": rnn.num_layers,
        "bias": bool(rnn.bias),
        "bidirectional": rnn.bidirectional,
        "projSize": getattr(rnn, "proj_size", 0),
        "lengths": None if lengths is None else list(lengths),
        "initialState": bool(given),
        "loss": "sum(y*gradout.y) + sum(hn*gradout.hn) [+ sum(cn*gradout.cn)]",
        "layout": "[T,B,C]",
        "source": f"torch {torch.__version__} float64",
    }
    tensors = {f"input.{name}": value for name, value in stored.items()}
    tensors.update({f"weight.{name}": rounded(value) for name, value in copy.named_parameters()})
    tensors.update({f"gradout.{name}": value for name, value in gradients.items()})
    tensors.update({f"expected.{name}": value for name, value in outputs.items()})
    tensors.update({f"expected.grad.{name}": value.grad for name, value in inputs.items()})
    tensors.update({f"expected.grad.{name}": value.grad for name, value in copy.named_parameters()})
    write_safetensors(path, tensors, {"case": json.dumps(case)})


# --- train: a short training run ------------------------------------------------------------------


@contextlib.contextmanager
def float64_by_default():
    """Optimizers keep numbers of their own, such as NAdam's product of momentums, in the default type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def record_train(path, embedding, rnn, head, tokens, T, optimizer, optimizer_options, clip_grad_norm=None):
    """Records a training run: embedding -> recurrent layers -> linear -> mean cross-entropy.

    tokens [steps*T+1, B], integers below embedding.num_embeddings. Step s reads rows s*T .. s*T+T-1, its targets are one
    row later; the state is carried from step to step and cut from the gradient. optimizer: a key of OPTIMIZERS, with
    torch.optim's option names in optimizer_options (JSON values). clip_grad_norm: a number, or None for no clipping.
    """
    if rnn.bidirectional or getattr(rnn, "proj_size", 0) or not rnn.bias or head.bias is None:
        raise CaseError(
            "a train case has one direction, no projection, and biases in the recurrent layers and the head"
        )
    if embedding.padding_idx is not None or embedding.max_norm is not None or embedding.scale_grad_by_freq:
        raise CaseError("a train case has a plain embedding: no padding_idx, max_norm or scale_grad_by_freq")
    steps, rest = divmod(tokens.shape[0] - 1, T)
    if rest or steps < 1:
        raise CaseError(f"tokens are {list(tokens.shape)}, expected [steps*T+1, B] with T = {T}")
    if optimizer not in OPTIMIZERS:
        raise CaseError(f"optimizer is {optimizer}; {', '.join(OPTIMIZERS)} can be recorded")
    vocab_size, embedding_size = embedding.weight.shape
    model = nn.ModuleDict(
        {
            "embedding": exact(embedding, lambda: nn.Embedding(vocab_size, embedding_size)),
            "rnn": exact_rnn(rnn),
            "head": exact(head, lambda: nn.Linear(rnn.hidden_size, vocab_size)),
        }
    )
    initial = {name: rounded(value).clone() for name, value in model.named_parameters()}
    rule = OPTIMIZERS[optimizer](model.parameters(), **optimizer_options)
    tokens = tokens.to(torch.int64)
    losses, norms, state = [], [], None
    for step in range(steps):
        window = tokens[step * T : step * T + T + 1]
        y, state = model["rnn"](model["embedding"](window[:-1]), state)
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        loss = nn.functional.cross_entropy(model["head"](y).flatten(0, 1), window[1:].flatten())
        rule.zero_grad()
        loss.backward()
        if clip_grad_norm is not None:
            norms.append(float(nn.utils.clip_grad_norm_(model.parameters(), clip_grad_norm)))
        with float64_by_default():
            rule.step()
        losses.append(loss.item())

    case = {
        "kind": "train",
        "cell": cell_of(rnn),
        "vocabSize": vocab_size,
        "embeddingSize": embedding_size,
        "hiddenSize": rnn.hidden_size,
        "numLayers": rnn.num_layers,
        "T": T,
        "B": tokens.shape[1],
        "steps": steps,
        "optimizer": optimizer,
        "optimizerOptions": optimizer_options,
        "clipGradNorm": clip_grad_norm,
        "truncatedBPTT": "state carried and detached between steps",
        "loss": "mean cross-entropy over T*B",
        "layout": "tokens [steps*T+1, B]; step s reads rows s*T..(s+1)*T-1, target is the next row",
        "source": f"torch {torch.__version__} float64",
    }
    tensors = {f"weight.{name}": value for name, value in initial.items()}
    tensors["input.tokens"] = tokens.to(torch.int32)
    tensors["expected.losses"] = torch.tensor(losses, dtype=torch.float64)
    if clip_grad_norm is not None:
        tensors["expected.gradNorms"] = torch.tensor(norms, dtype=torch.float64)
    tensors.update({f"expected.final.{name}": value for name, value in model.named_parameters()})
    write_safetensors(path, tensors, {"case": json.dumps(case)})


# --- again: the same inputs and weights, this PyTorch ---------------------------------------------


def record_again(source, path):
    """Records a case with the inputs and weights of an existing one: does another PyTorch expect the same?"""
    tensors, metadata = read_safetensors(source)
    if "case" not in metadata:
        raise CaseError(f"{source}: has no __metadata__.case, so it is not a parity case")
    case = json.loads(metadata["case"])

    def group(prefix):
        return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

    if case["kind"] == "sequence":
        rnn = make_rnn(
            case["cell"],
            case["inputSize"],
            case["hiddenSize"],
            case["numLayers"],
            case["bias"],
            case["bidirectional"],
            case["projSize"],
        )
        rnn.load_state_dict(group("weight."))
        inputs = group("input.")
        record_sequence(
            path, rnn, inputs["x"], inputs.get("h0"), inputs.get("c0"), case["lengths"], group("gradout.")
        )
    elif case["kind"] == "train":
        embedding, rnn, head = make_model(
            case["cell"], case["vocabSize"], case["embeddingSize"], case["hiddenSize"], case["numLayers"]
        )
        for module, name in ((embedding, "embedding"), (rnn, "rnn"), (head, "head")):
            module.load_state_dict(group(f"weight.{name}."))
        record_train(
            path,
            embedding,
            rnn,
            head,
            tensors["input.tokens"],
            case["T"],
            case["optimizer"],
            case["optimizerOptions"],
            case["clipGradNorm"],
        )
    else:
        raise CaseError(f"{source}: kind is {case['kind']}; sequence and train can be recorded")


def make_model(cell, vocab_size, embedding_size, hidden_size, num_layers):
    return (
        nn.Embedding(vocab_size, embedding_size),
        make_rnn(cell, embedding_size, hidden_size, num_layers),
        nn.Linear(hidden_size, vocab_size),
    )


# --- command line ---------------------------------------------------------------------------------


def run_weights(options):
    state = with_prefix(read_state_dict(options.model, options.key), options.prefix)
    if os.path.exists(options.out) and os.path.samefile(options.model, options.out):
        raise CaseError(f"{options.out}: would be replaced; write to another file")
    for name, tensor in save_weights(options.out, state).items():
        print(f"{name:40} {NAMES[tensor.dtype]:4} {list(tensor.shape)}")


def run_sequence(options):
    torch.manual_seed(options.seed)
    rnn = make_rnn(
        options.cell,
        options.input_size,
        options.hidden_size,
        options.num_layers,
        not options.no_bias,
        options.bidirectional,
        options.proj_size,
    )
    if options.weights:
        rnn.load_state_dict(with_prefix(read_state_dict(options.weights), options.prefix))
    slots = options.num_layers * (2 if options.bidirectional else 1)
    x = torch.randn(options.T, options.B, options.input_size)
    h0 = c0 = None
    if not options.no_initial_state:
        h0 = torch.randn(slots, options.B, options.proj_size or options.hidden_size)
        c0 = torch.randn(slots, options.B, options.hidden_size) if options.cell == "lstm" else None
    lengths = [int(n) for n in options.lengths.split(",")] if options.lengths else None
    record_sequence(options.out, rnn, x, h0, c0, lengths)


def run_train(options):
    torch.manual_seed(options.seed)
    vocab_size, length = options.vocab_size, options.steps * options.T + 1
    if options.text:
        with open(options.text, encoding="utf-8", newline="") as file:
            text = file.read()
        vocabulary = sorted(set(text))
        vocab_size = len(vocabulary)
        row = len(text) // options.B
        if row < length:
            raise CaseError(f"{options.text}: {len(text)} characters, and B*(steps*T+1) = {options.B * length} are needed")
        index = {character: i for i, character in enumerate(vocabulary)}
        rows = [[index[c] for c in text[b * row : b * row + length]] for b in range(options.B)]
        tokens = torch.tensor(rows).t().contiguous()
    else:
        tokens = torch.randint(0, vocab_size, (length, options.B))
    modules = make_model(options.cell, vocab_size, options.embedding_size, options.hidden_size, options.num_layers)
    if options.weights:
        state = read_state_dict(options.weights)
        prefixes = dict(pair.split("=", 1) for pair in options.names.split(","))
        for module, name in zip(modules, ("embedding", "rnn", "head")):
            module.load_state_dict(with_prefix(state, prefixes.get(name, name) + "."))
    rule = {"lr": options.lr}
    for option in options.option:
        name, separator, value = option.partition("=")
        if not separator:
            raise CaseError(f"--option {option}: expected NAME=VALUE, such as weight_decay=0.1 or nesterov=true")
        rule[name] = json.loads(value)
    record_train(options.out, *modules, tokens, options.T, options.optimizer, rule, options.clip_grad_norm)


def run_again(options):
    os.makedirs(options.out, exist_ok=True)
    for source in options.cases:
        path = os.path.join(options.out, os.path.basename(source))
        if os.path.exists(path) and os.path.samefile(path, source):
            raise CaseError(f"{source}: would be replaced; give --out another folder")
        record_again(source, path)
        print(path)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Write weights of PyTorch as safetensors, and record parity cases (float64 on the CPU) for `webgpu-rnn verify`."
    )
    kinds = parser.add_subparsers(dest="kind", required=True)

    def add(kind, run, summary):
        command = kinds.add_parser(
            kind, help=summary, description=summary, formatter_class=argparse.ArgumentDefaultsHelpFormatter
        )
        command.set_defaults(run=run)
        return command

    weights = add("weights", run_weights, "the weights of a model as safetensors")
    weights.add_argument("model", help="a state dict: the file of torch.save(model.state_dict(), ...)")
    weights.add_argument("out", help="the .safetensors file to write")
    weights.add_argument("--key", help="of the state dict in a checkpoint, such as state_dict")
    weights.add_argument("--prefix", default="", help="keep the names that begin so, without it, such as module.")

    def add_common(command):
        command.add_argument("out", help="the .safetensors file to write")
        command.add_argument("--cell", choices=CELLS, required=True)
        command.add_argument("--T", type=int, default=8, help="time steps")
        command.add_argument("--B", type=int, default=3, help="sequences")
        command.add_argument("--hidden-size", type=int, default=16)
        command.add_argument("--num-layers", type=int, default=1)
        command.add_argument("--seed", type=int, default=0, help="for the weights and inputs that are drawn")
        command.add_argument("--weights", help="a state dict: torch.save's file, or .safetensors")

    sequence = add("sequence", run_sequence, "one forward and backward pass")
    add_common(sequence)
    sequence.add_argument("--prefix", default="", help="of the names in --weights, such as rnn.")
    sequence.add_argument("--input-size", type=int, default=8)
    sequence.add_argument("--proj-size", type=int, default=0, help="lstm only")
    sequence.add_argument("--bidirectional", action="store_true")
    sequence.add_argument("--no-bias", action="store_true")
    sequence.add_argument("--no-initial-state", action="store_true", help="start from zeros")
    sequence.add_argument("--lengths", help="of a packed batch, in batch order: 8,3,5")

    train = add("train", run_train, "a short training run")
    add_common(train)
    train.add_argument("--names", default="embedding=embedding,rnn=rnn,head=head", help="modules in --weights")
    train.add_argument("--vocab-size", type=int, default=17, help="where no text says it")
    train.add_argument("--embedding-size", type=int, default=8)
    train.add_argument("--steps", type=int, default=30)
    train.add_argument("--text", help="a UTF-8 text, whose characters are the tokens; else they are drawn")
    train.add_argument("--optimizer", choices=sorted(OPTIMIZERS), default="adam")
    train.add_argument("--lr", type=float, default=0.01)
    train.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="of torch.optim, as JSON")
    train.add_argument("--clip-grad-norm", type=float, help="no clipping without it")

    again = add("again", run_again, "the inputs and weights of existing cases, computed by this PyTorch")
    again.add_argument("cases", nargs="+")
    again.add_argument("--out", required=True, help="the folder to write to")
    return parser.parse_args()


def main():
    options = parse_arguments()
    try:
        options.run(options)
    except (CaseError, OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
        sys.exit(f"from_pytorch: {error}")


if __name__ == "__main__":
    main()
