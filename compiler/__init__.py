"""The driver: everything from a file to an answer, and all that talks to people."""
