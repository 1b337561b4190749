"""Result files of the Speech service, normalized documents and their exports; no I/O in here."""
