"""Compute back ends: each generation's own words, behind one interface."""
