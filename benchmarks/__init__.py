"""Benchmarks of Longwire and comparable projects, in one run."""
