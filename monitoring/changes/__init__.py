"""What was committed: a poll with an exact snapshot token, the ids of new and changed rows, and corrected tables."""
