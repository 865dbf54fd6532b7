"""All that one database holds into another, which may be of the other kind."""
