"""What may be wrong with an optimizer's options and with the gradients that it gets."""

import warnings


def check_options(clips, use_ema, momentum, overwrite, accumulation):
    """Raise a ValueError if options of an optimizer are out of range or exclude each other."""
    if sum(clip is not None for clip in clips) > 1:
        raise ValueError(
            "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
            f"clipnorm={clips[0]}, clipvalue={clips[1]}, global_clipnorm={clips[2]}."
        )
    if use_ema:
        if not 0 <= momentum <= 1:
            raise ValueError(f"`ema_momentum` must be in the range [0, 1]. Received: {momentum}")
        if overwrite is not None and (not isinstance(overwrite, int) or overwrite < 1):
            raise ValueError(
                "`ema_overwrite_frequency` must be an integer >= 1 or None. Received: "
                f"ema_overwrite_frequency={overwrite}"
            )
    if accumulation is not None and accumulation < 2:
        raise ValueError(
            "`gradient_accumulation_steps` must be an integer >= 2. Received: "
            f"gradient_accumulation_steps={accumulation}"
        )


def ignore_decay(options):
    """Take an argument of older versions out of the options, with a warning to the constructor."""
    if options.pop("decay", None) is not None:
        warnings.warn("Argument `decay` is no longer supported and will be ignored.", stacklevel=4)


def with_gradients(grads, variables):
    """Leave out the weights without a gradient, with a warning; raise if that is all of them."""
    missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
    if not missing:
        return grads, variables
    if len(missing) == len(variables):
        raise ValueError("No gradients provided for any variable.")
    warnings.warn(
        f"Gradients do not exist for variables {missing} when minimizing the loss. If using "
        "`model.compile()`, did you forget to provide a `loss` argument?",
        stacklevel=4,
    )
    kept = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    return [g for g, _ in kept], [v for _, v in kept]
