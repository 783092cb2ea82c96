"""PyTorch: pytorch.py DEVICE PRECISION [THREADS], cpu or cuda, f32, tf32 or f16. Answers main.mjs as contender.mjs does."""
import json
import struct
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

DEVICE, PRECISION, *THREADS = sys.argv[1:]
if THREADS:
    torch.set_num_threads(int(THREADS[0]))
torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = PRECISION == "tf32"
DTYPE = torch.float16 if PRECISION == "f16" else torch.float32

DTYPES = {"F32": torch.float32, "I32": torch.int32}


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data, dtype=DTYPES[entry["dtype"]], offset=begin, count=(end - begin) // 4)
        tensors[name] = flat.reshape(entry["shape"]).clone()
    return tensors


class Predictor(nn.Module):
    def __init__(self, work):
        super().__init__()
        self.rnn = nn.LSTM(work["I"], work["H"])
        self.head = nn.Linear(work["H"], work["I"])

    def forward(self, x):
        return self.head(self.rnn(x)[0])

    def loss(self, x, target):
        return F.mse_loss(self(x), target)


class CharModel(nn.Module):
    def __init__(self, work):
        super().__init__()
        self.embedding = nn.Embedding(work["V"], work["E"])
        self.rnn = nn.LSTM(work["E"], work["H"])
        self.head = nn.Linear(work["H"], work["V"])

    def forward(self, tokens, state=None):
        output, state = self.rnn(self.embedding(tokens), state)
        return self.head(output), state

    def loss(self, x, target):
        logits, _ = self(x)
        return F.cross_entropy(logits.flatten(0, 1), target.flatten())


class Forward:
    def __init__(self, work, weights, given):
        self.model = (nn.LSTM if work["cell"] == "lstm" else nn.GRU)(work["I"], work["H"])
        self.model.load_state_dict(weights)
        self.x = given["x"]

    @torch.inference_mode()
    def unit(self):
        return self.model(self.x)[0]

    def compared(self, steps):
        return self.unit().flatten().tolist()


class Training:
    def __init__(self, work, weights, given):
        self.model = (Predictor if work["kind"] == "training" else CharModel)(work)
        self.model.load_state_dict(weights)
        self.optimizer = torch.optim.Adam(self.model.parameters())
        self.x, self.target = (given[name] if work["kind"] == "training" else given[name].long() for name in ("x", "target"))

    def unit(self):
        self.optimizer.zero_grad()
        loss = self.model.loss(self.x, self.target)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def compared(self, steps):
        return [self.unit() for _ in range(steps)]


def cell_of(lstm):
    """The same layer for one step at a time, which is three times as fast there."""
    cell = nn.LSTMCell(lstm.input_size, lstm.hidden_size)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in lstm.state_dict().items()})
    return cell


class Session:
    def __init__(self, work, weights, given):
        model = nn.LSTM(work["I"], work["H"])
        model.load_state_dict(weights)
        self.cell = cell_of(model)
        self.steps = [x[0] for x in given["x"].split(1)]
        self.state = None

    @torch.inference_mode()
    def step(self, x):
        self.state = self.cell(x, self.state)
        return self.state[0]

    def unit(self):
        return self.step(self.steps[0])

    def compared(self, steps):
        return torch.cat([self.step(x) for x in self.steps]).flatten().tolist()


class Generation:
    def __init__(self, work, weights, given):
        self.model = CharModel(work)
        self.model.load_state_dict(weights)
        self.cell = cell_of(self.model.rnn)
        self.length = work["length"]

    @torch.inference_mode()
    def draw(self, length, temperature):
        token, state, drawn = torch.tensor([1]), None, []
        for _ in range(length):
            state = self.cell(self.model.embedding(token), state)
            logits = self.model.head(state[0])
            if temperature == 0:
                token = logits.argmax(-1)
            else:
                token = torch.multinomial(torch.softmax(logits / temperature, -1), 1)[0]
            drawn.append(token)
        return torch.cat(drawn).flatten().tolist()

    def unit(self):
        self.draw(self.length, 0.8)

    def compared(self, steps):
        return self.draw(50, 0)


def network_of(work, weights):
    """LSTMs whose outputs stand side by side: one, or one for each head, since PyTorch has no heads."""
    heads, layers = work["heads"], work["layers"]
    size = work["H"] // heads
    networks = []
    for head in range(heads):
        network = nn.LSTM(work["I"], size, layers)
        # Rows of a gate are the units, head after head.
        rows = [gate * work["H"] + head * size + unit for gate in range(4) for unit in range(size)]
        network.load_state_dict({name.removeprefix("rnn."): value[rows] for name, value in weights.items()})
        networks.append(network)
    return nn.ModuleList(networks).to(DEVICE, DTYPE)


class Layer:
    """What goes in and comes out stays on the device; the end of a round is waited for."""

    def __init__(self, work, weights, given):
        self.networks = network_of(work, weights)
        self.x, self.target = (given[name].to(DEVICE, DTYPE) for name in ("x", "target"))

    def output(self):
        outputs = [network(self.x)[0] for network in self.networks]
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)


class LayerForward(Layer):
    @torch.inference_mode()
    def units(self, count):
        for _ in range(count):
            output = self.output()
        output[-1].cpu()

    @torch.inference_mode()
    def compared(self, steps):
        return self.output()[-1].float().flatten().tolist()


class LayerTraining(Layer):
    def __init__(self, work, weights, given):
        super().__init__(work, weights, given)
        # Gradients of a mean of so many are too small for f16: there they are those of the sum.
        self.scale = self.x.numel() if PRECISION == "f16" else 1
        self.optimizer = torch.optim.SGD(self.networks.parameters(), lr=work["lr"] / self.scale)

    def step(self):
        self.optimizer.zero_grad()
        loss = F.mse_loss(self.output().float(), self.target.float())
        (loss * self.scale).backward()
        self.optimizer.step()
        return loss.detach()

    def units(self, count):
        for _ in range(count):
            loss = self.step()
        loss.item()

    def compared(self, steps):
        return [self.step().item() for _ in range(steps)]


class Product:
    def __init__(self, work, weights, given):
        self.a, self.b = given["a"], given["b"]

    def unit(self):
        return self.a @ self.b

    def compared(self, steps):
        return self.unit().flatten().tolist()


KINDS = {
    "forward": Forward,
    "training": Training,
    "character training": Training,
    "session": Session,
    "generation": Generation,
    "product": Product,
    "layer forward": LayerForward,
    "layer training": LayerTraining,
}


def answer(asked, ready):
    if "prepare" in asked:
        work = asked["prepare"]
        if work["kind"] not in KINDS:
            return {"missing": True}, None
        tensors = read_safetensors(asked["file"])
        parts = {
            part: {name[len(part) + 1 :]: value for name, value in tensors.items() if name.startswith(part + ":")}
            for part in ("weights", "given")
        }
        ready = KINDS[work["kind"]](work, parts["weights"], parts["given"])
        return {"output": ready.compared(asked["steps"])}, ready
    if "units" in asked:
        start, before = time.perf_counter(), time.process_time()
        if hasattr(ready, "units"):
            ready.units(asked["units"])
        else:
            for _ in range(asked["units"]):
                ready.unit()
        return {"ms": (time.perf_counter() - start) * 1000, "cpu": (time.process_time() - before) * 1000}, ready
    return {"done": True}, None


about = f"PyTorch {torch.__version__} {PRECISION}"
if DEVICE == "cuda":
    about += f", {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
else:
    about += f", {torch.get_num_threads()} threads"
print(json.dumps({"about": about}), flush=True)
ready = None
for line in sys.stdin:
    answered, ready = answer(json.loads(line), ready)
    print(json.dumps(answered), flush=True)
