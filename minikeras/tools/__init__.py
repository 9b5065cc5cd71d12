"""The programs that people run: `minikeras` on the command line."""
