"""The config in a `.keras` archive of tf-keras, which has the nodes and names of Keras 2."""

from typing import Any

from minikeras.saving.legacy.compiling import compile_arguments
from minikeras.saving.legacy.form import Source
from minikeras.saving.legacy.graphs import model_form
from minikeras.saving.legacy.groups import generation_of


def archive_config(
    config: dict[str, Any], version: Any, custom_objects: Any, safe_mode: bool
) -> dict[str, Any]:
    """Return the config of an archive in today's form.

    Args:
        config: of the model, as the archive has it.
        version: the release of Keras that the archive names, or None.
        custom_objects: dict of name to class or function of the user's, or None.
        safe_mode: whether Python code in the config is refused.

    Returns:
        The same dict where Keras 3 has written it.

    Raises:
        ValueError: if the dict is no model, or something in it exists no more.
    """
    if version is None or generation_of(version) >= 3:
        return config
    source = Source(2, safe_mode, frozenset(custom_objects or ()))
    form = model_form(config, source)
    form["build_config"] = config.get("build_config")
    compiled = config.get("compile_config")
    if isinstance(compiled, dict):
        described = {**compiled, "optimizer_config": compiled.get("optimizer")}
        form["compile_config"] = compile_arguments(described, source)
    return form
