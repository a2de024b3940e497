"""What the lessons import once the reader has built it."""

from utils.checks import Check, CheckFailed, check, expect_error
from utils.device import environment_report, get_device, seed_everything
from utils.photos import Pictures, new_pictures, pictures, read_picture
from utils.training import (
    History,
    accuracy,
    evaluate,
    fit,
    load_checkpoint,
    make_loader,
    predict,
    save_checkpoint,
)
from utils.weights import Pretrained, hub_state, pretrained
