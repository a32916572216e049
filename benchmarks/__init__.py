"""Benchmarks of sklearn_ae against the libraries a user would pick instead."""
