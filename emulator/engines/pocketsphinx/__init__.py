"""Recognition on this machine with the pocketsphinx package and its en-US model."""
