"""Forecaster in PyTorch: one series, several steps at once, quantiles whose interval is calibrated on the last part of the time."""

import math

import torch

from tasks_pytorch_models import Forecaster

QUANTILES = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)


def interpolated(values):
    """Gaps (NaN) on the straight line between the numbers beside them; at an end the nearest number."""
    known = [i for i, value in enumerate(values) if not math.isnan(value)]
    filled = []
    for i, value in enumerate(values):
        before = max((k for k in known if k <= i), default=None)
        after = min((k for k in known if k >= i), default=None)
        if before is None or after is None or before == after:
            filled.append(values[after if before is None else before])
        else:
            filled.append(values[before] + (values[after] - values[before]) * (i - before) / (after - before))
    return filled


def forecast(problem, settings, seed, learn):
    season = settings.get("season", 1)
    horizon = settings.get("horizon", season)
    window = max(2 * season, 2 * horizon, 12)
    first = max(window, season + 1)
    series = [
        [math.nan if row["value"] is None else float(row["value"]) for row in problem[name]] for name in ("training", "held")
    ]
    history, whole = series[0], series[0] + series[1]
    cut = len(history) - math.floor(len(history) * 0.2)

    def read(values, origin):
        past = torch.tensor(interpolated(values[origin - window : origin]), dtype=torch.float64)
        return past - past.mean(), past.mean(), (past - past.mean()).pow(2).mean().sqrt()

    def origins(values, start, end):
        """Windows, and the steps that came then, scaled as the window is."""
        filled = torch.tensor(interpolated(values), dtype=torch.float64)
        windows = []
        for origin in range(start, end + 1):
            past, mean, scale = read(values, origin)
            windows.append((past, filled[origin : origin + horizon] - mean, mean, scale))
        return windows

    training, held = origins(history, first, cut - horizon), origins(history, max(first, cut), len(history) - horizon)
    if len(held) < 10:
        training, held = origins(history, first, len(history) - horizon), []
    least = 0.01 * torch.stack([scale for *_, scale in training]).pow(2).mean().sqrt().item()
    model = Forecaster(horizon, len(QUANTILES))

    def collated(some):
        scales = torch.stack([scale for *_, scale in some]).clamp(min=least)[:, None]
        past, ahead = [torch.stack([one[i] for one in some]) / scales for i in (0, 1)]
        return past.float().T[..., None], ahead, scales

    def pinball(some):
        past, ahead, _ = collated(some)
        error = ahead[..., None] - model(past)
        return torch.maximum(error * QUANTILES, error * (QUANTILES - 1)).mean()

    def batches(random_):
        order = list(range(len(training)))
        random_.shuffle(order)
        return [[training[at] for at in order[i : i + 32]] for i in range(0, len(order), 32)]

    def validate():
        loss = sum(pinball(held[i : i + 32]).item() * len(held[i : i + 32]) for i in range(0, len(held), 32)) / len(held)
        return loss, loss

    epochs = min(300, max(10, math.ceil(600 / math.ceil(len(training) / 32))))
    updates = learn(model, batches, pinball, validate if held else None, seed, epochs, math.ceil(epochs / 5) + 2)

    with torch.no_grad():
        widening = torch.zeros(horizon, dtype=torch.float64)
        if held:
            # Conformalized quantile regression, for each step ahead by itself.
            past, ahead, _ = collated(held)
            said = model(past).double().sort(-1).values
            scores = torch.maximum(said[..., 0] - ahead, ahead - said[..., 2]).sort(0).values
            place = min(len(held), math.ceil((QUANTILES[2] - QUANTILES[0]).item() * (len(held) + 1)))
            widening = scores[place - 1]
        tested = origins(whole, max(first, len(history)), len(whole) - horizon)
        past, ahead, scales = collated(tested)
        said = model(past).double().sort(-1).values
    low = torch.minimum(said[..., 0] - widening, said[..., 1])
    high = torch.maximum(said[..., 2] + widening, said[..., 1])
    before = torch.tensor(interpolated(history), dtype=torch.float64)
    error_of_a_season = (before[season:] - before[:-season]).abs().mean()
    real = torch.tensor(whole, dtype=torch.float64)
    is_real = torch.stack([~real[at : at + horizon].isnan() for at in range(len(history), len(whole) - horizon + 1)])
    errors = (ahead - said[..., 1]).abs() * scales / error_of_a_season
    is_within = (low <= ahead) & (ahead <= high)
    return {
        "mase": errors[is_real].mean().item(),
        "coverage": is_within[is_real].double().mean().item(),
        "updates": updates,
    }
