"""One planted fault a law: a law that stays green on its fault proves nothing."""
