"""Who guesses has to wait."""

from __future__ import annotations

from rowcrew.model.throttle import FREE_OF_A_NAME, FREE_OF_AN_ADDRESS, Throttle


def tried(throttle: Throttle, times: int, *, name: str = "ann", address: str = "a", now: float = 0.0) -> None:
    for _ in range(times):
        throttle.tries(address, name, now)


def test_a_few_mistakes_cost_nothing_and_more_cost_twice_as_much_each() -> None:
    throttle = Throttle()
    tried(throttle, FREE_OF_A_NAME - 1)
    assert throttle.wait_seconds("a", "ann", 0.0) == 0
    waits = []
    for _ in range(4):
        tried(throttle, 1)
        waits.append(throttle.wait_seconds("a", "ann", 0.0))
    assert waits == [10, 20, 40, 80]
    assert throttle.wait_seconds("a", "ann", 79.5) == 0.5


def test_who_guesses_a_name_elsewhere_locks_nobody_out() -> None:
    throttle = Throttle()
    tried(throttle, 50, address="attacker")
    assert throttle.wait_seconds("home", "ann", 0.0) == 0


def test_an_address_that_guesses_many_names_has_to_wait_for_each() -> None:
    throttle = Throttle()
    for number in range(FREE_OF_AN_ADDRESS):
        tried(throttle, 1, name=f"user-{number}")
    assert throttle.wait_seconds("a", "somebody-else", 0.0) > 0


def test_right_passwords_count_as_no_failures_however_many_people_share_an_address() -> None:
    throttle = Throttle()
    for number in range(10 * FREE_OF_AN_ADDRESS):
        tried(throttle, 1, name=f"user-{number}")
        throttle.passed("a", f"user-{number}")
    assert throttle.wait_seconds("a", "ann", 0.0) == 0


def test_the_right_password_ends_the_waiting_of_its_name() -> None:
    throttle = Throttle()
    tried(throttle, FREE_OF_A_NAME + 3)
    throttle.passed("a", "ann")
    assert throttle.wait_seconds("a", "ann", 0.0) == 0


def test_failures_of_long_ago_are_forgotten_and_memory_is_bounded() -> None:
    throttle = Throttle()
    tried(throttle, 30)
    tried(throttle, 1, now=1_000.0)
    assert throttle.wait_seconds("a", "ann", 1_000.0) == 0
    for number in range(20_000):
        throttle.tries(f"address-{number}", "ann", 0.0)
    assert len(throttle._failures) <= 10_000


def test_all_addresses_of_one_ipv6_network_count_as_one() -> None:
    throttle = Throttle()
    for number in range(FREE_OF_AN_ADDRESS):
        tried(throttle, 1, address=f"2001:db8:0:1::{number:x}")
    assert throttle.wait_seconds("2001:db8:0:1:ffff::1", "ann", 0.0) > 0
    assert throttle.wait_seconds("2001:db8:0:2::1", "ann", 0.0) == 0
    tried(throttle, FREE_OF_AN_ADDRESS, address="::ffff:192.0.2.1")
    assert throttle.wait_seconds("192.0.2.1", "ann", 0.0) > 0
    assert throttle.wait_seconds("::ffff:192.0.2.2", "ann", 0.0) == 0


def test_of_a_name_no_more_is_remembered_than_a_name_can_have() -> None:
    throttle = Throttle()
    tried(throttle, 1, name="n" * 8_000, address="a" * 8_000)
    assert all(len(part or "") <= 100 for key in throttle._failures for part in key)
