"""The `tensorflow` of a script that `minikeras run` runs, in which there is `keras` alone."""

if __name__ == "tensorflow":
    import keras  # noqa: F401 - the stand-in beside this file

    from minikeras.tools.keras_names import lead_to_minikeras

    lead_to_minikeras(__name__)
