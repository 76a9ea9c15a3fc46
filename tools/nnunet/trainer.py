"""The trainer that `nnUNetv2_train` finds through `nnUNet_extTrainer`: nnU-Net's own, for minutes instead of days."""

import os

import numpy as np
import torch
from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler
from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainerNoMirroring import (
    nnUNetTrainerNoMirroring,
)


class SwiftSamTrainer(nnUNetTrainerNoMirroring):
    """No mirroring, since left and right kidney are different organs. Epochs are few and short, and all that is drawn
    at random is seeded, so that two nets of one seed differ by their labels alone."""

    def __init__(
        self,
        plans: dict,
        configuration: str,
        fold: int,
        dataset_json: dict,
        device: torch.device = torch.device("cuda"),
    ):
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs = int(os.environ["SWIFT_SAM_EPOCHS"])
        self.num_iterations_per_epoch = int(os.environ["SWIFT_SAM_ITERATIONS"])
        self.num_val_iterations_per_epoch = 2
        self.initial_lr = 3e-3

    def on_train_start(self):
        seed = int(os.environ["SWIFT_SAM_SEED"])
        np.random.seed(seed)
        torch.manual_seed(seed)
        if self.device.type == "cpu":  # the other half is the other net's
            torch.set_num_threads(max(1, os.cpu_count() // 2))
        super().on_train_start()

    def perform_actual_validation(self, save_probabilities: bool = False):
        """Nothing, since the cases left out are what counts."""

    def configure_optimizers(self):
        """Adam, since SGD with nnU-Net's momentum of 0.99 needs hundreds of steps to come up to speed."""
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=self.initial_lr, weight_decay=self.weight_decay
        )
        return optimizer, PolyLRScheduler(optimizer, self.initial_lr, self.num_epochs)
