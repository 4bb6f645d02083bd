"""Knows how the missing report looks on paper."""
