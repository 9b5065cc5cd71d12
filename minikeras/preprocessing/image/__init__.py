"""Images for training: files and arrays, as in `keras.preprocessing.image`."""

from minikeras.utils.image import array_to_img, img_to_array, load_img, save_img

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img"]
