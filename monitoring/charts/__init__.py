"""Numbers to the geometry of hand-made SVG charts.

Charts carry no words: the VALUES of rules, dates and readings are given, and templates turn them into labels with the
formatting filters. x is seconds since 1970 UTC, ascending; y is a number, and None (or NaN) where it is unknown: a gap,
which is never drawn over. A chart of which nothing is known is None, so that the template can say so.
"""
