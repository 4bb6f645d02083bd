"""A rehearsal: one night on loopback phones, played with the house's own people, that ends with how ready they are.

The house is the whole real one with the real clients, on a database of its own; nobody outside this machine can be reached,
whatever credentials were set. Every message says DRILL, and every ref begins with X.
"""
