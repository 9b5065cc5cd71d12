"""Rows of connectionist temporal classification."""

from tests.cases.case import Case, exactly, f16, f32, integers

_LABELS = exactly([[1, 2, 3], [1, 1, 2], [3, 0, 0]], "int32")
_LENGTHS = [exactly([3, 3, 1], "int32"), exactly([6, 5, 4], "int32")]
_LOGITS = f32(3, 6, 4)
_STEPS = exactly([6, 5, 4], "int32")


def _loss(labels, logits, *lengths, **options):
    return Case(
        "ctc_loss",
        [labels, logits, *lengths],
        options,
        keras_orders=1,
        reduction=42,
        float_types=("float32",),  # TensorFlow computes in it, whatever the dtype
    )


CASES = [
    _loss(_LABELS, _LOGITS, *_LENGTHS),
    _loss(
        integers(3, 2, low=0, high=3), _LOGITS, exactly([2, 1, 0], "int32"), _STEPS, mask_index=3
    ),
    _loss(
        integers(3, 2, low=0, high=3),
        _LOGITS,
        exactly([2, 2, 1], "int32"),
        exactly([6, 3, 0], "int32"),
        mask_index=-1,
    ),
    Case("nn.ctc._ctc_loss", [_LOGITS, _LABELS, *_LENGTHS], {"mask_index": 0}, reduction=42),
    _loss(_LABELS, f16(3, 6, 4), *_LENGTHS).but(orders=1, float_types=()),
    *[
        Case(
            "ctc_decode",
            [_LOGITS, _STEPS],
            options,
            orders=0,
            reduction=42,
            # TensorFlow searches in float32, whatever the dtype; tests/ops/test_ctc.py has float64.
            float_types=("float32",) if "strategy" in options else Case.float_types,
        )
        for options in (
            {},
            {"merge_repeated": False, "mask_index": -1},
            {"mask_index": None},
            {"strategy": "beam_search", "beam_width": 3},
            {"strategy": "beam_search", "top_paths": 4, "mask_index": 2},
            {"strategy": "beam_search", "top_paths": 2, "mask_index": None},
        )
    ],
]
