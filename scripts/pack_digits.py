"""Packs the handwritten digits that come with minikeras: scikit-learn in, digits.npz out.

Data: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository, 1998, https://doi.org/10.24432/C50P49, licensed under CC BY 4.0
(https://creativecommons.org/licenses/by/4.0/). scikit-learn ships the test part of that set,
1,797 images, as `sklearn.datasets.load_digits`. Changed here: the pixels are stored as uint8
instead of float64, and the images keep the order of the original.

The archive is the same, byte for byte, wherever and whenever it is made: entries in a fixed
order, with a fixed date, and stored rather than compressed, because deflate's output depends
on the zlib at hand.

    python scripts/pack_digits.py [path]        # needs scikit-learn
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parents[1] / "minikeras" / "datasets" / "digits.npz"

ABOUT = """\
Optical Recognition of Handwritten Digits: the test part, 1797 images of 8x8 pixels, 0..16.
Authors: E. Alpaydin, C. Kaynak (1998). UCI Machine Learning Repository.
Source: https://doi.org/10.24432/C50P49, through sklearn.datasets.load_digits.
Licence: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/
Changes: pixels stored as uint8; order as in the original.
"""

FIRST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
UNIX = 3  # the "made by" field, which otherwise names the machine that packs


def main() -> None:
    """Writes the archive to the path on the command line, or beside the loader."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    path.write_bytes(pack(*read_source()))
    print(f"{path}: {path.stat().st_size} bytes")


def read_source() -> tuple[np.ndarray, np.ndarray]:
    """Returns scikit-learn's copy: images (1797, 8, 8) and labels (1797,), both uint8."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    if not np.array_equal(images, digits.images):
        raise ValueError("Expected whole pixel values in 0..255; uint8 would change the images.")
    return images, labels


def pack(images: np.ndarray, labels: np.ndarray) -> bytes:
    """Returns the bytes of an .npz archive that holds `images`, `labels` and `ABOUT.txt`."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as entries:
        entries.writestr(_entry("images.npy"), _npy(images))
        entries.writestr(_entry("labels.npy"), _npy(labels))
        entries.writestr(_entry("ABOUT.txt"), ABOUT.encode())
    return archive.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, FIRST_ZIP_DATE)
    info.create_system = UNIX
    info.external_attr = 0o644 << 16
    return info


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0))
    return buffer.getvalue()


if __name__ == "__main__":
    main()
