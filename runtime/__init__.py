"""What runs: compiled objects in this process, saved libraries, and chips in an emulator."""
