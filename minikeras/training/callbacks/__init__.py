"""Callbacks: what is done at the stages of training, evaluation and prediction."""

from minikeras.training.callbacks.backup_and_restore import BackupAndRestore
from minikeras.training.callbacks.callback import Callback
from minikeras.training.callbacks.callback_list import CallbackList
from minikeras.training.callbacks.csv_logger import CSVLogger
from minikeras.training.callbacks.early_stopping import EarlyStopping
from minikeras.training.callbacks.history import History
from minikeras.training.callbacks.lambda_callback import LambdaCallback
from minikeras.training.callbacks.model_checkpoint import ModelCheckpoint
from minikeras.training.callbacks.progbar import ProgbarLogger
from minikeras.training.callbacks.reduce_lr import ReduceLROnPlateau
from minikeras.training.callbacks.remote_monitor import RemoteMonitor
from minikeras.training.callbacks.scheduler import LearningRateScheduler
from minikeras.training.callbacks.swap_ema_weights import SwapEMAWeights
from minikeras.training.callbacks.tensorboard import TensorBoard
from minikeras.training.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
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
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
