"""AWS on a laptop: the emulator as a child process, with our own template deployed into it."""
