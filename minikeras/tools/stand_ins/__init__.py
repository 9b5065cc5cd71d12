"""Modules that a script finds in place of installed packages: this folder is put on its path."""
