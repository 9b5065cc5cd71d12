"""Recurrent layers, their cells, and the wrappers for sequences."""

from minikeras.layers.rnn.bidirectional import Bidirectional
from minikeras.layers.rnn.cells import GRUCell, LSTMCell, SimpleRNNCell
from minikeras.layers.rnn.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from minikeras.layers.rnn.gru import GRU
from minikeras.layers.rnn.lstm import LSTM
from minikeras.layers.rnn.rnn import RNN
from minikeras.layers.rnn.simple_rnn import SimpleRNN
from minikeras.layers.rnn.stacked import StackedRNNCells
from minikeras.layers.rnn.time_distributed import TimeDistributed

__all__ = [
    "GRU",
    "GRUCell",
    "LSTM",
    "LSTMCell",
    "RNN",
    "SimpleRNN",
    "SimpleRNNCell",
    "Bidirectional",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "StackedRNNCells",
    "TimeDistributed",
]
