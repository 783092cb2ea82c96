"""How the learning rate changes: a factor for each step (0 is the first), as in webgpu-rnn."""

import math


class Schedule:
    """The factor is always 1."""

    def factor(self, step):
        return 1.0

    def observe(self, validation_loss):
        """Hears every validation loss; only Plateau listens."""

    def state(self):
        """Numbers for a checkpoint."""
        return []

    def restore(self, state):
        """Goes on from the numbers of state()."""


class StepDecay(Schedule):
    def __init__(self, step_size, gamma=0.1):
        self.step_size, self.gamma = step_size, gamma

    def factor(self, step):
        return self.gamma ** (step // self.step_size)


class Cosine(Schedule):
    """Half a cosine down to min_factor, where it stays."""

    def __init__(self, steps, min_factor=0.0):
        self.steps, self.min_factor = steps, min_factor

    def factor(self, step):
        if step >= self.steps:
            return self.min_factor
        return self.min_factor + (1 - self.min_factor) * (1 + math.cos(math.pi * step / self.steps)) / 2


class Warmup(Schedule):
    """A straight line up to 1, then another schedule from its own step 0."""

    def __init__(self, steps, start_factor=1 / 3, after=None):
        self.steps, self.start_factor, self.after = steps, start_factor, make(after)

    def factor(self, step):
        if step < self.steps:
            return self.start_factor + (1 - self.start_factor) * step / self.steps
        return self.after.factor(step - self.steps)

    def observe(self, validation_loss):
        self.after.observe(validation_loss)

    def state(self):
        return self.after.state()

    def restore(self, state):
        self.after.restore(state)


class Plateau(Schedule):
    """Falls when the validation loss was no better for more than `patience` validations."""

    def __init__(self, factor=0.1, patience=10, threshold=1e-4, min_factor=0.0):
        self.by, self.patience, self.threshold, self.min_factor = factor, patience, threshold, min_factor
        self.current, self.waited, self.best = 1.0, 0, math.inf

    def factor(self, step):
        return self.current

    def observe(self, validation_loss):
        if validation_loss < self.best * (1 - self.threshold):
            self.best, self.waited = validation_loss, 0
        else:
            self.waited += 1
        if self.waited > self.patience:
            self.current, self.waited = max(self.current * self.by, self.min_factor), 0

    def state(self):
        return [self.current, self.waited] + ([self.best] if math.isfinite(self.best) else [])

    def restore(self, state):
        self.current, self.waited = state[0], int(state[1])
        self.best = state[2] if len(state) > 2 else math.inf


KINDS = {"constant": Schedule, "stepDecay": StepDecay, "cosine": Cosine, "warmup": Warmup, "plateau": Plateau}


def make(spec):
    """From the name and the options of a checkpoint, such as {"name": "cosine", "steps": 400}."""
    options = {snake(key): value for key, value in (spec or {"name": "constant"}).items()}
    return KINDS[options.pop("name")](**options)


def snake(name):
    """minFactor → min_factor"""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
