"""A cache with a limit keeps what is used, and never more than it may."""

from monitoring.lru import Lru


def test_what_was_used_longest_ago_goes_first() -> None:
    cache: Lru[str, int] = Lru(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]


def test_a_new_value_replaces_the_old_and_counts_as_used() -> None:
    cache: Lru[str, int] = Lru(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.put("a", 10) == 10
    cache.put("c", 3)
    assert [cache.get(key) for key in "abc"] == [10, None, 3]


def test_entries_weigh_what_they_are_said_to() -> None:
    cache: Lru[str, bytes] = Lru(10, lambda _key, value: len(value))
    cache.put("a", b"four")
    cache.put("b", b"four")
    cache.put("a", b"sixsix")
    assert [cache.get(key) for key in "ab"] == [b"sixsix", b"four"]
    cache.put("c", b"x")
    assert [cache.get(key) for key in "abc"] == [None, b"four", b"x"]


def test_what_alone_weighs_too_much_is_not_kept() -> None:
    cache: Lru[str, bytes] = Lru(3, lambda _key, value: len(value))
    assert cache.put("a", b"four") == b"four"
    assert cache.get("a") is None
    cache.put("b", b"one")
    assert cache.get("b") == b"one"


def test_a_cleared_cache_is_empty_and_takes_as_much_again() -> None:
    cache: Lru[str, int] = Lru(1)
    cache.put("a", 1)
    cache.clear()
    assert cache.get("a") is None
    cache.put("b", 2)
    assert cache.get("b") == 2
