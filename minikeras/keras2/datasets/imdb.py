"""Film reviews and whether they praise the film."""

from minikeras.datasets import imdb as engine
from minikeras.keras2.datasets.texts import text_loader
from minikeras.keras2.utils.data_utils import get_file

__all__ = ["get_file", "get_word_index", "load_data"]

get_word_index = engine.get_word_index
load_data = text_loader(engine.load_data, "imdb.npz")
