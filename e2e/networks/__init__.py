"""The page on good, bad and broken networks: on which rung it stands, and how soon it is live again."""
