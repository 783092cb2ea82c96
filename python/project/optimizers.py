"""The optimizers of webgpu-rnn are those of torch.optim; Lion and Ftrl, which torch does not have, are Keras's."""

import torch

from schedules import snake


class ASGD(torch.optim.ASGD):
    """Takes the learning rate of this step; torch's own takes that of the step before."""

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            lr, lambd, alpha = group["lr"], group["lambd"], group["alpha"]
            for parameter in group["params"]:
                state = self.state[parameter]
                if state:
                    state["eta"] = torch.tensor(lr / (1 + lambd * lr * float(state["step"])) ** alpha)
        return super().step(closure)


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023: every weight moves by lr, in the direction of the momentum's sign."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, (beta1, beta2) = group["lr"], group["betas"]
            for parameter in group["params"]:
                momentum = self.state[parameter].setdefault("exp_avg", torch.zeros_like(parameter))
                direction = (beta1 * momentum + (1 - beta1) * parameter.grad).sign()
                momentum.mul_(beta2).add_(parameter.grad, alpha=1 - beta2)
                parameter.mul_(1 - lr * group["weight_decay"]).sub_(direction, alpha=lr)


class Ftrl(torch.optim.Optimizer):
    """McMahan et al. 2013: weights are computed anew from the gradients so far."""

    def __init__(
        self,
        params,
        lr=1e-3,
        learning_rate_power=-0.5,
        initial_accumulator_value=0.1,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        l2_shrinkage_regularization_strength=0.0,
        beta=0.0,
        weight_decay=0.0,
    ):
        super().__init__(
            params,
            {
                "lr": lr,
                "power": -learning_rate_power,
                "initial": initial_accumulator_value,
                "l1": l1_regularization_strength,
                "l2": l2_regularization_strength,
                "shrinkage": l2_shrinkage_regularization_strength,
                "beta": beta,
                "weight_decay": weight_decay,
            },
        )

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, power, l1 = group["lr"], group["power"], group["l1"]
            if lr == 0:
                continue
            for parameter in group["params"]:
                state, gradient = self.state[parameter], parameter.grad
                before = state.get("accumulator", torch.full_like(parameter, group["initial"]))
                linear = state.get("linear", torch.zeros_like(parameter))
                decayed = parameter * (1 - lr * group["weight_decay"])
                after = before + gradient**2
                sigma = (after**power - before**power) / lr
                linear = linear + gradient + 2 * group["shrinkage"] * decayed - sigma * decayed
                quadratic = after**power / lr + 2 * (group["l2"] + group["beta"] / (2 * lr))
                parameter.copy_((linear.clamp(-l1, l1) - linear) / quadratic)
                state["accumulator"], state["linear"] = after, linear


# By the name in a checkpoint: the optimizer, and what it keeps for each parameter.
KINDS = {
    "sgd": (torch.optim.SGD, ["momentum_buffer"]),
    "adam": (torch.optim.Adam, ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]),
    "adamW": (torch.optim.AdamW, ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"]),
    "rmsprop": (torch.optim.RMSprop, ["square_avg", "momentum_buffer", "grad_avg"]),
    "adagrad": (torch.optim.Adagrad, ["sum"]),
    "adamax": (torch.optim.Adamax, ["exp_avg", "exp_inf"]),
    "nadam": (torch.optim.NAdam, ["exp_avg", "exp_avg_sq"]),
    "radam": (torch.optim.RAdam, ["exp_avg", "exp_avg_sq"]),
    "lion": (Lion, ["exp_avg"]),
    "adadelta": (torch.optim.Adadelta, ["square_avg", "acc_delta"]),
    "ftrl": (Ftrl, ["accumulator", "linear"]),
    "asgd": (ASGD, ["ax"]),
    "rprop": (torch.optim.Rprop, ["prev", "step_size"]),
}


def make(spec, model):
    """From the name and the options of a checkpoint, such as {"name": "adam", "lr": 0.005}."""
    options = {snake(key): value for key, value in spec.items() if key != "name"}
    return KINDS[spec["name"]][0](model.parameters(), **options)


def load(optimizer, spec, model, tensors, step):
    """Goes on after `step` steps, from the tensors `optimizer.<slot>.<parameter>`."""
    if step == 0:
        return
    for name, parameter in model.named_parameters():
        state = {}
        for slot in KINDS[spec["name"]][1]:
            saved = tensors.get(f"optimizer.{slot}.{name}")
            if saved is not None:
                state[slot] = saved.to(parameter.device)
        if isinstance(optimizer, torch.optim.NAdam):
            beta1, decay = optimizer.defaults["betas"][0], optimizer.defaults["momentum_decay"]
            product = 1.0
            for s in range(1, step + 1):
                product *= beta1 * (1 - 0.5 * 0.96 ** (s * decay))
            state["mu_product"] = torch.tensor(product)
        if isinstance(optimizer, ASGD):
            state["eta"] = torch.tensor(0.0)  # step() says what it is
            state["mu"] = torch.tensor(1 / max(1, step - optimizer.defaults["t0"]))
        if not isinstance(optimizer, (torch.optim.SGD, Lion, Ftrl)):
            state["step"] = torch.tensor(float(step))
        optimizer.state[parameter] = state


def state(optimizer, spec, model, tensors):
    """The tensors of a checkpoint, those that `tensors`, which the training began with, had."""
    saved = {}
    for name, parameter in model.named_parameters():
        for slot in KINDS[spec["name"]][1]:
            key = f"optimizer.{slot}.{name}"
            if key in tensors:
                saved[key] = optimizer.state[parameter].get(slot, tensors[key])
    return saved
