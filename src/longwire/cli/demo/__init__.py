"""The job that `longwire demo` runs."""
