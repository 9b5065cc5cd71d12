"""RemoteMonitor: the metrics of every epoch, sent to a server."""

import json
import warnings

import numpy as np

from minikeras.training.callbacks.callback import Callback


class RemoteMonitor(Callback):
    """Sends the metrics of every epoch to a server, by an HTTP POST to `root + path`.

    What is sent is a JSON object of the metrics and the `epoch`. A server that is not reached is a
    warning: training goes on.

    Args:
        root: URL of the server.
        path: path that is added to it.
        field: name of the form's field that holds the JSON object, unless `send_as_json`.
        headers: dict of further HTTP headers, or None.
        send_as_json: whether the JSON object is the body itself, of type `application/json`.

    Example:
        >>> import minikeras as keras
        >>> monitor = keras.callbacks.RemoteMonitor("http://localhost:9000", send_as_json=True)
        >>> monitor.root + monitor.path
        'http://localhost:9000/publish/epoch/end/'
    """

    def __init__(
        self,
        root="http://localhost:9000",
        path="/publish/epoch/end/",
        field="data",
        headers=None,
        send_as_json=False,
    ):
        super().__init__()
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch, logs=None):
        """Send the epoch's metrics."""
        values = {"epoch": epoch}
        for name, value in (logs or {}).items():
            values[name] = value.item() if isinstance(value, (np.ndarray, np.generic)) else value
        try:
            self._post(values)
        except (OSError, ValueError):  # not reached; no URL, or a number that JSON does not have
            warnings.warn(
                f"RemoteMonitor got no answer from {self.root}, and goes on without it.",
                stacklevel=2,
            )

    def _post(self, values):
        from urllib import error, parse, request  # they take a while to import

        if self.send_as_json:
            kind, body = "application/json", json.dumps(values, allow_nan=False)
        else:
            kind = "application/x-www-form-urlencoded"
            body = parse.urlencode({self.field: json.dumps(values)})
        headers = {"Content-Type": kind, **(self.headers or {})}
        message = request.Request(self.root + self.path, body.encode(), headers)
        try:
            request.urlopen(message).close()
        except error.HTTPError as refusal:  # the server has been reached all the same
            refusal.close()
