"""The whole stack on this machine: Azurite, the Speech emulator and a Functions host, as processes."""
