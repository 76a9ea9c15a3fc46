"""Runs the official package on the picture and the boxes of a file that `swift-sam activations` wrote, and compares.

    python tools/reference/compare.py CHECKPOINT acts.safetensors"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from segment_anything import SamPredictor

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from official import OfficialModel, widened_by_block  # noqa: E402

model = OfficialModel(Path(sys.argv[1]))
ours = load_file(sys.argv[2])

predictor = SamPredictor(widened_by_block(model.config, model.weights, torch.float32))
predictor.set_image(ours["image"])
boxes = predictor.transform.apply_boxes_torch(torch.from_numpy(ours["prompt.boxes"]), ours["image"].shape[:2])
masks, scores, logits = predictor.predict_torch(None, None, boxes=boxes, multimask_output=True)

official = {
    "image_encoder": predictor.features,
    "mask_decoder.low_res_logits": logits,
    "mask_decoder.iou_predictions": scores,
}
for name, values in official.items():
    error = np.linalg.norm(ours[name] - values.numpy()) / np.linalg.norm(values.numpy())
    print(f"{name:28} {ours[name].shape!s:18} relative error {error:.1e}")
differing = int(((ours["mask_logits"] > 0) != masks.numpy()).sum())
print(f"{'masks':28} {tuple(masks.shape)!s:18} {differing} of {masks.numel()} pixels differ")
