"""The lock under which layers make their weights: threads may share a model that is not built yet.

One lock for all layers, since building a layer builds those inside it. It is held across a fork, so
that a child never finds it locked by a thread that it does not have.
"""

import os
import threading

building = threading.RLock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=building.acquire, after_in_parent=building.release, after_in_child=building.release
    )
