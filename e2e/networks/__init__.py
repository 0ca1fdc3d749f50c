"""The page on good, bad and broken networks: which transport it uses, and how soon it is live again."""
