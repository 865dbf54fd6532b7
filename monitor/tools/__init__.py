"""The tools page: how often tools are called, how often that fails, how long it takes."""
