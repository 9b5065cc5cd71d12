"""Training, evaluation and prediction by generators, as functions of a model."""

from minikeras.keras2.engine.model import Model
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.spelling import spelled

__getattr__ = elsewhere(__name__)

__all__ = ["evaluate_generator", "fit_generator", "predict_generator"]

_MODEL = {"model": "self"}
_WORK = "max_queue_size=10, workers=1, use_multiprocessing=False"

fit_generator = spelled(
    Model.fit_generator,
    "model, generator, steps_per_epoch=None, epochs=1, verbose=1, callbacks=None, "
    f"validation_data=None, validation_steps=None, class_weight=None, {_WORK}, shuffle=True, "
    "initial_epoch=0",
    renamed=_MODEL,
)
evaluate_generator, predict_generator = (
    spelled(method, f"model, generator, steps=None, {_WORK}, verbose=0", renamed=_MODEL)
    for method in (Model.evaluate_generator, Model.predict_generator)
)
