"""Longwire beside its peers, in one run."""
