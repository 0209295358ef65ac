"""The cloud on a laptop: the engine as a child process, and our own template deployed into it."""
