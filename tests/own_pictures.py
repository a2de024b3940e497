"""A reader's folder of photographs, with all that such folders hold: python tests/own_pictures.py FOLDER

The pictures are cut out of scikit-image's photographs. ``tools/verify.py --pictures FOLDER`` then runs
lessons on them.
"""

import sys
from pathlib import Path

import skimage.data
from PIL import Image

MODES = {0: "RGB", 1: "L", 2: "CMYK", 3: "P", 4: "RGBA"}


def lay(folder: Path) -> None:
    """Three classes of 12, 9 and 1 pictures, and what lies about among photographs."""
    turned = Image.Exif()
    turned[0x0112] = 6  # held upright: turn the stored picture by 90 degrees
    kinds = {"猫": (skimage.data.chelsea(), 12), "my cup": (skimage.data.coffee(), 9)}
    kinds["астронавт"] = skimage.data.astronaut(), 1
    for name, (photograph, count) in kinds.items():
        (folder / name).mkdir(parents=True)
        for i in range(count):
            part = Image.fromarray(photograph[10 * i : 10 * i + 150, 12 * i : 12 * i + 200 + i])
            mode = MODES[i % len(MODES)]
            kind, more = ("PNG", {}) if mode in ("P", "RGBA") else ("JPEG", {"exif": turned})
            part.convert(mode).save(folder / name / f"IMG_{i:04}.{kind.lower()}", kind, **more)
        first, *others = [Image.fromarray(photograph[n : n + 90, :90]) for n in (0, 30, 60)]
        if count > 1:
            first.save(folder / name / "moving.gif", save_all=True, append_images=others)
    (folder / "猫" / "notes.txt").write_text("bring milk", encoding="utf-8")
    (folder / "猫" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    whole = (folder / "猫" / "IMG_0000.jpeg").read_bytes()
    (folder / "my cup" / "half.jpg").write_bytes(whole[: len(whole) // 3])
    (folder / "empty").mkdir()
    (folder / "loose.jpg").write_bytes(whole)


if __name__ == "__main__":
    lay(Path(sys.argv[1]))
