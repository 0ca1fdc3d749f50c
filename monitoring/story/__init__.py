"""The story of one trade, or of an open position: what its rows say, put in order. Pure functions of rows."""
