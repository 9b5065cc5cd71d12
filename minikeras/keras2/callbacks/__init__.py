"""Callbacks of Keras 2."""

from minikeras.keras2.callbacks.base import (
    BaseLogger,
    Callback,
    CallbackList,
    History,
    LambdaCallback,
    ProgbarLogger,
)
from minikeras.keras2.callbacks.monitoring import (
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from minikeras.keras2.callbacks.tensorboard import TensorBoard
from minikeras.keras2.finder import elsewhere
from minikeras.keras2.spelling import spelled_class
from minikeras.training import callbacks as _engine
from minikeras.training.callbacks import CSVLogger, RemoteMonitor

TerminateOnNaN = spelled_class(_engine.TerminateOnNaN, "")

__getattr__ = elsewhere(__name__)

__all__ = [
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "TensorBoard",
    "TerminateOnNaN",
]
