"""Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/), an optimizer for matrices.

PyTorch's own rounds to bfloat16 while it orthogonalises; a processor that has no bfloat16 spends 3.3 of 8.6 seconds of a
step on that, and 0.2 in single precision.
"""

import math
from collections.abc import Iterable

import torch

QUINTIC = 3.4445, -4.7750, 2.0315  # Jordan's coefficients: steep at 0, so that small singular values grow fast
ITERATIONS = 5


def orthogonalised(matrix: torch.Tensor) -> torch.Tensor:
    """About the nearest matrix whose singular values are 1: all but the smallest end between 0.7 and 1.2."""
    is_high = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_high else matrix
    x = x / x.norm().clamp(min=1e-7)
    first, third, fifth = QUINTIC
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = first * x + (third * square + fifth * square @ square) @ x
    return x.T if is_high else x


class Muon(torch.optim.Optimizer):
    """Moves each matrix along its orthogonalised momentum, scaled so that AdamW's learning rate fits (Liu et al. 2025)."""

    def __init__(self, matrices: Iterable[torch.Tensor], weight_decay: float, momentum: float = 0.95):
        super().__init__(matrices, {"lr": 0.0, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            rate, momentum = group["lr"], group["momentum"]
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(matrix)
                mean = state["momentum_buffer"].lerp_(matrix.grad, 1 - momentum)
                ahead = matrix.grad.lerp(mean, momentum)
                matrix.mul_(1 - rate * group["weight_decay"])
                matrix.add_(orthogonalised(ahead), alpha=-0.2 * math.sqrt(max(matrix.shape)) * rate)
