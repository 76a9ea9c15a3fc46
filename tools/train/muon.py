"""Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/), an optimizer for matrices.

PyTorch's own rounds to bfloat16 while it orthogonalises; a processor that has no bfloat16 spends 3.3 of 8.6 seconds of a
step on that, and 0.2 in single precision. Matrices of one shape are orthogonalised together, which spares a graphics
card thousands of small products.
"""

import math
from collections import defaultdict
from collections.abc import Iterable

import torch

# Jordan's coefficients: steep at 0, so that small singular values grow fast.
QUINTIC = 3.4445, -4.7750, 2.0315
ITERATIONS = 5


def orthogonalised(matrices: torch.Tensor) -> torch.Tensor:
    """About the nearest matrices whose singular values are 1: all but the smallest end between 0.7 and 1.2.

    Matrices [count, rows, columns].
    """
    is_high = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if is_high else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    first, third, fifth = QUINTIC
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = first * x + (third * square + fifth * square @ square) @ x
    return x.mT if is_high else x


class Muon(torch.optim.Optimizer):
    """Moves each matrix along its orthogonalised momentum, scaled so that AdamW's learning rate fits (Liu et al. 2025)."""

    def __init__(self, matrices: Iterable[torch.Tensor], weight_decay: float, momentum: float = 0.95):
        super().__init__(matrices, {"lr": 0.0, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            of_shape = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    of_shape[matrix.shape].append(matrix)
            for shape, matrices in of_shape.items():
                self.move(matrices, group, 0.2 * math.sqrt(max(shape)) * group["lr"])

    def move(self, matrices: list[torch.Tensor], group: dict, distance: float) -> None:
        """Matrices of one shape."""
        gradients = [matrix.grad for matrix in matrices]
        for matrix in matrices:
            if not self.state[matrix]:
                self.state[matrix]["momentum_buffer"] = torch.zeros_like(matrix)
        means = [self.state[matrix]["momentum_buffer"] for matrix in matrices]
        torch._foreach_lerp_(means, gradients, 1 - group["momentum"])
        ahead = orthogonalised(torch.stack(torch._foreach_lerp(gradients, means, group["momentum"])))
        torch._foreach_mul_(matrices, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(matrices, list(ahead.unbind()), alpha=-distance)
