"""The public surface of Keras 1.2.2 and 2.2.4, read from the syntax trees of their packages.

Nothing of them is imported or installed: pip fetches the archives into a cache (`archives`), and
`release` parses the sources in them. `gaps` compares what it finds with `minikeras.keras2`.

    python -m parity_tests.old_keras --fetch      fill the cache (`make setup-parity` does)
    python -m parity_tests.old_keras --missing    print what `minikeras.keras2` lacks, by module
"""
