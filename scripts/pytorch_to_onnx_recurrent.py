"""Recurrent layers and cells, loops and branches."""

import torch
from pytorch_to_onnx_cases import BT, TB, Of, batches, given, model
from torch import nn


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
