"""The pages of one task and of one session, made of the same parts."""
