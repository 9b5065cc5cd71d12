"""Newswires and their topics."""

from minikeras.datasets import reuters as engine
from minikeras.keras2.datasets.texts import text_loader
from minikeras.keras2.utils.data_utils import get_file

__all__ = ["get_file", "get_word_index", "load_data"]

get_word_index = engine.get_word_index
load_data = text_loader(engine.load_data, "reuters.npz", "test_split=0.2, ")
