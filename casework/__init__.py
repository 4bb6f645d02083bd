"""The rock: what a case is and what follows from news. Pure: no I/O, no clock, no chance."""
