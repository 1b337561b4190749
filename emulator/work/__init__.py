"""What jobs do while they are Running, kind by kind; datasets are imported by `emulator.datasets.importing`."""
