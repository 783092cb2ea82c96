"""Has PyTorch and Keras update one tensor step by step, in float64, with given gradients and a learning rate that changes, and
prints the weights after every step, a line of JSON for each optimizer: test/train/optimizer-steps.test.ts holds ours to it.
Recorded with PyTorch 2.13.0 and Keras 3.15.1:

    KERAS_BACKEND=torch python3 test/recorded/record-optimizer-steps.py > test/recorded/optimizer-steps.jsonl
"""
import json

import keras
import torch

STEPS, N = 12, 5
torch.set_default_dtype(torch.float64)
keras.config.set_floatx("float64")

# Values that float32 can hold. Gradients change their signs, and are 0 always, at first and in between.
torch.manual_seed(2)
initial = torch.randn(N).float().double()
gradients = torch.randn(STEPS, N).float().double()
gradients[:, 0] = 0
gradients[:3, 1] = 0
gradients[5] = 0
# The factor of a schedule by step.
factors = [1.0] * 4 + [0.5] * 4 + [0.25] * 4

# Ours on the left, theirs on the right.
pytorch = [
    ("adamax", dict(lr=0.05, betas=(0.8, 0.95), eps=1e-3, weightDecay=0.1), torch.optim.Adamax,
     dict(betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)),
    ("nadam", dict(lr=0.05, weightDecay=0.1), torch.optim.NAdam, dict(weight_decay=0.1)),
    ("nadam", dict(lr=0.05, betas=(0.7, 0.9), momentumDecay=0.5, weightDecay=0.1, decoupledWeightDecay=True),
     torch.optim.NAdam,
     dict(betas=(0.7, 0.9), momentum_decay=0.5, weight_decay=0.1, decoupled_weight_decay=True)),
    ("radam", dict(lr=0.05, weightDecay=0.1), torch.optim.RAdam, dict(weight_decay=0.1)),
    ("radam", dict(lr=0.05, betas=(0.7, 0.9), weightDecay=0.1, decoupledWeightDecay=True), torch.optim.RAdam,
     dict(betas=(0.7, 0.9), weight_decay=0.1, decoupled_weight_decay=True)),
    ("adadelta", dict(lr=2.0, rho=0.8, eps=1e-3, weightDecay=0.1), torch.optim.Adadelta,
     dict(rho=0.8, eps=1e-3, weight_decay=0.1)),
    ("rprop", dict(lr=0.05, etas=(0.4, 1.5), stepSizes=(0.01, 0.1)), torch.optim.Rprop,
     dict(etas=(0.4, 1.5), step_sizes=(0.01, 0.1))),
]  # fmt: skip
# Where ours is PyTorch's, an option says what Keras does: momentumDecay 1; weight decay is decoupled.
in_keras = [
    ("nadam", dict(lr=0.05, betas=(0.7, 0.9), eps=1e-3, momentumDecay=1), keras.optimizers.Nadam,
     dict(beta_1=0.7, beta_2=0.9, epsilon=1e-3)),
    ("nadam", dict(lr=0.05, betas=(0.9, 0.999), eps=1e-7, momentumDecay=1, weightDecay=0.1, decoupledWeightDecay=True),
     keras.optimizers.Nadam, dict(weight_decay=0.1)),
    ("adadelta", dict(lr=2.0, rho=0.95, eps=1e-7), keras.optimizers.Adadelta, dict()),
    ("lion", dict(lr=0.05), keras.optimizers.Lion, dict()),
    ("lion", dict(lr=0.05, betas=(0.95, 0.6), weightDecay=0.1), keras.optimizers.Lion,
     dict(beta_1=0.95, beta_2=0.6, weight_decay=0.1)),
    ("ftrl", dict(lr=0.05), keras.optimizers.Ftrl, dict()),
    ("ftrl", dict(lr=0.05, learningRatePower=-0.2, initialAccumulatorValue=0.4, l1RegularizationStrength=0.5,
                  l2RegularizationStrength=0.15, l2ShrinkageRegularizationStrength=0.01, beta=0.3, weightDecay=0.1),
     keras.optimizers.Ftrl,
     dict(learning_rate_power=-0.2, initial_accumulator_value=0.4, l1_regularization_strength=0.5,
          l2_regularization_strength=0.15, l2_shrinkage_regularization_strength=0.01, beta=0.3, weight_decay=0.1)),
]  # fmt: skip


def with_pytorch(lr, optimizer, options):
    weight = initial.clone().requires_grad_()
    rule = optimizer([weight], lr=lr, **options)
    for gradient, factor in zip(gradients, factors):
        rule.param_groups[0]["lr"] = lr * factor
        weight.grad = gradient.clone()
        rule.step()
        yield weight.detach().tolist()


def with_keras(lr, optimizer, options):
    weight = keras.Variable(initial.numpy(), dtype="float64")
    rule = optimizer(learning_rate=lr, **options)
    rule.build([weight])
    for gradient, factor in zip(gradients, factors):
        rule.learning_rate = lr * factor
        rule.apply([gradient], [weight])
        yield keras.ops.convert_to_numpy(weight).tolist()


print(json.dumps(dict(initial=initial.tolist(), gradients=gradients.tolist(), factors=factors)))
for source, run, cases in ("PyTorch", with_pytorch, pytorch), ("Keras", with_keras, in_keras):
    for ours, given, optimizer, options in cases:
        weights = [[float(f"{x:.14g}") for x in row] for row in run(given["lr"], optimizer, options)]
        print(json.dumps(dict(source=source, optimizer=ours, options=given, weights=weights)))
