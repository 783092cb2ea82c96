"""Other ways to export, and newer operator sets."""

import torch
import torch.nn.functional as F
from pytorch_to_onnx_cases import BT, TB, Of, batches, ints, model
from pytorch_to_onnx_convolution import conv1d_stack, conv2d_options
from pytorch_to_onnx_functions import perceptron_half
from pytorch_to_onnx_models import language_model, transformer_layer_dynamo
from torch import nn


UNFOLDED = dict(do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE)


@model("torchscript", 9, [dict(x=(2, 4, 13)), dict(x=(1, 4, 22))], dict(x={0: "N", 2: "L"}), export=dict(UNFOLDED, keep_initializers_as_inputs=True))
def conv1d_stack_unfolded():
    """Batch normalisation as it stands, and initializers that are inputs, too."""
    return conv1d_stack()


@model("torchscript", 11, [dict(x=(5, 2, 3)), dict(x=(3, 1, 3))], TB, ("y", "h", "c"), export=UNFOLDED)
def lstm_unfolded():
    """Weights that nodes bring into the order of ONNX."""
    return nn.LSTM(3, 4, num_layers=2)


@model("torchscript", 14, batches, BT, ("y", "h"), export=UNFOLDED)
def gru_unfolded():
    return nn.GRU(3, 3, bidirectional=True, batch_first=True)


@model("dynamo", 18, [dict(x=(2, 4))], bfloat16=True)
def perceptron_bfloat16():
    return perceptron_half()


@model("dynamo", 23, [dict(x=(2, 5, 4))], dict(x={0: "B"}))
def transformer_layer_opset_23():
    return transformer_layer_dynamo()


@model("dynamo", 21, [dict(x=(2, 5, 3)), dict(x=(4, 3, 3))], BT, ("y", "h", "c"))
def lstm_opset_21():
    return nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)


@model("dynamo", 22, [dict(x=(2, 3, 11, 9)), dict(x=(1, 3, 11, 9))], dict(x={0: "N"}))
def conv2d_opset_22():
    return conv2d_options()


@model("dynamo", 23, [dict(x=(2, 5, 3))], outputs=("y", "h"))
def rnn_opset_23():
    return nn.RNN(3, 4, nonlinearity="relu", batch_first=True)


@model("dynamo", 23, [dict(tokens=ints(6, 2, below=13))], outputs=("y", "h"))
def language_model_opset_23():
    return language_model()


@model("dynamo", 23, [dict(q=(2, 4, 3, 6), k=(2, 2, 5, 6), v=(2, 2, 5, 4), mask=(3, 5))], outputs=tuple(f"y{i}" for i in range(5)))
def attention_opset_23():
    """Attention as one operator: heads that share keys, masks of both kinds, a scale."""
    attend = F.scaled_dot_product_attention

    def forward(m, q, k, v, mask):
        first = q[:, :2]
        return (attend(q, k, v, enable_gqa=True), attend(first, k, v, attn_mask=mask), attend(first, k, v, attn_mask=mask > 0, scale=0.3),
                attend(first, first, first, is_causal=True), m.attention(v.flatten(0, 1), v.flatten(0, 1), v.flatten(0, 1))[0])

    return Of(forward, attention=nn.MultiheadAttention(4, 2, batch_first=True))


@model("dynamo", 18, [dict(x=(5, 2, 3), h=(2, 4))], outputs=("h_n", "y"))
def scan_dynamo():
    from torch._higher_order_ops.scan import scan

    def forward(m, x, h):
        def step(h, one):
            h = torch.tanh(m.cell(torch.cat([one, h], 1)))
            return h, h * 2

        return scan(step, h, x)

    return Of(forward, cell=nn.Linear(7, 4))
