"""Datasets: how their data is read, checked line by line and file by file, and kept for those who use it."""
