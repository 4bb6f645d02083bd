"""Knows how an address is taken before anybody is answered at it, so that the port is known from the first moment."""

import socket


def bind(host: str, port: int) -> socket.socket:
    """Take the address without listening yet. Raises OSError when somebody has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening
