"""What happens to an audio file between its upload and its transcript."""
