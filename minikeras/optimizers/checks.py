"""What may be wrong with an optimizer's options and with the gradients that it gets."""

import warnings


def check_options(clips, use_ema, momentum, overwrite, accumulation):
    """Raise a ValueError if options of an optimizer are out of range or exclude each other."""
    if sum(clip is not None for clip in clips) > 1:
        raise ValueError(
            "Choose one of `clipnorm`, `clipvalue` and `global_clipnorm`. Received: "
            f"clipnorm={clips[0]}, clipvalue={clips[1]}, global_clipnorm={clips[2]}"
        )
    if use_ema:
        if not 0 <= momentum <= 1:
            raise ValueError(
                f"`ema_momentum` must be a number from 0 to 1. Received: ema_momentum={momentum}"
            )
        if overwrite is not None and (not isinstance(overwrite, int) or overwrite < 1):
            raise ValueError(
                "`ema_overwrite_frequency` must be an int, 1 or greater, or None. Received: "
                f"ema_overwrite_frequency={overwrite!r}"
            )
    if accumulation is not None and accumulation < 2:
        raise ValueError(
            "`gradient_accumulation_steps` must be 2 or greater, or None. Received: "
            f"gradient_accumulation_steps={accumulation}"
        )


def ignore_decay(options):
    """Take an argument of older versions out of the options, with a warning to the constructor."""
    if options.pop("decay", None) is not None:
        warnings.warn(
            "`decay`, an argument of older versions, does nothing: give a schedule as "
            "`learning_rate`, such as `keras.optimizers.schedules.InverseTimeDecay`.",
            stacklevel=4,
        )


def with_gradients(grads, variables):
    """Leave out the weights without a gradient, with a warning; raise if that is all of them."""
    missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
    if not missing:
        return grads, variables
    if len(missing) == len(variables):
        raise ValueError(
            "No weight has a gradient: the loss depends on none of them. Received: "
            f"{len(variables)} variables with gradients None"
        )
    warnings.warn(
        "Weights without a gradient are left out of this step, because the loss does not depend "
        f"on them: {missing}",
        stacklevel=4,
    )
    kept = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    return [g for g, _ in kept], [v for _, v in kept]
