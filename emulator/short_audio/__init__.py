"""Short audio: recognition and pronunciation assessment in one request, which is answered with the result."""
