"""Longwire inside other frameworks."""
