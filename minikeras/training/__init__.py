"""The training loop: data in batches, steps, losses and metrics by output, callbacks."""
