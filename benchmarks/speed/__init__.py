"""Seconds and memory of the same layers, batches and epochs in several libraries."""
