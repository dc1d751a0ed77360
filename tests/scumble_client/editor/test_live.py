"""Live mode's pace."""

from __future__ import annotations

import pytest

from scumble_client.editor.live import LONGEST, PATIENCE, REST, SHORTEST, Pace


def test_the_first_look_is_submitted() -> None:
    pace = Pace()
    assert pace.may_look(0.0)
    assert pace.looked(0.0, "a", 0.0)


def test_what_has_not_changed_is_not_submitted() -> None:
    pace = Pace()
    pace.looked(0.0, "a", 0.0)
    pace.ended(0.1)
    assert not pace.looked(0.2, "a", 0.0)


def test_a_change_waits_for_the_result_of_the_last() -> None:
    pace = Pace()
    pace.looked(0.0, "a", 0.0)
    assert not pace.looked(0.2, "b", 0.0)
    pace.ended(0.3)
    assert pace.may_look(0.3)
    assert pace.looked(0.3, "b", 0.0)


def test_a_slow_job_is_replaced_once_it_had_its_time() -> None:
    pace = Pace()
    pace.looked(0.0, "a", 0.0)
    assert not pace.looked(PATIENCE - 0.01, "b", 0.0)
    assert pace.looked(PATIENCE, "b", 0.0)


def test_jobs_that_take_longer_have_more_time() -> None:
    pace = Pace()
    pace.looked(0.0, "a", 0.0)
    pace.ended(3.0)
    pace.looked(3.0, "b", 0.0)
    assert not pace.looked(8.9, "c", 0.0)
    assert pace.looked(9.0, "c", 0.0)


def test_after_a_job_without_a_result_the_same_inputs_are_sent_again() -> None:
    pace = Pace()
    pace.looked(0.0, "a", 0.0)
    pace.ended(0.1, again=True)
    assert pace.looked(0.2, "a", 0.0)


@pytest.mark.parametrize(("cost", "pause"), [(0.0, SHORTEST), (0.05, 0.5), (9.0, LONGEST)])
def test_looking_takes_a_tenth_of_the_time_at_most(cost: float, pause: float) -> None:
    pace = Pace()
    pace.looked(1.0, "a", cost)
    assert not pace.may_look(1.0 + pause - 0.01)
    assert pace.may_look(1.0 + pause + 1e-9)


class TestTwoSteps:
    def test_a_hand_that_rests_gets_the_same_once_more_as_it_should_be(self) -> None:
        pace = Pace(two_steps=True)
        assert pace.looked(0.0, "a", 0.0)
        assert pace.rough
        assert not pace.looked(REST + 0.1, "a", 0.0)  # the rough one has not ended
        pace.ended(REST + 0.2)
        assert pace.looked(REST + 0.3, "a", 0.0)
        assert not pace.rough
        pace.ended(REST + 2.0)
        assert not pace.looked(REST + 3.0, "a", 0.0)

    def test_while_it_moves_all_is_rough(self) -> None:
        pace, now = Pace(two_steps=True), 0.0
        for number in range(5):
            assert pace.looked(now, number, 0.0)
            assert pace.rough
            pace.ended(now + 0.1)
            assert not pace.looked(now + 0.15, number, 0.0)
            now += 0.2

    def test_a_hand_that_moves_again_does_not_wait_for_what_takes_longer(self) -> None:
        pace = Pace(two_steps=True)
        pace.looked(0.0, "a", 0.0)
        pace.ended(0.1)
        assert pace.looked(1.0, "a", 0.0)
        assert pace.looked(1.1, "b", 0.0)
        assert pace.rough

    def test_what_takes_longer_says_nothing_of_the_rough_ones(self) -> None:
        pace = Pace(two_steps=True)
        pace.looked(0.0, "a", 0.0)
        pace.ended(0.1)
        pace.looked(1.0, "a", 0.0)
        pace.ended(9.0)
        pace.looked(9.0, "b", 0.0)
        assert pace.looked(9.0 + PATIENCE, "c", 0.0)

    def test_otherwise_nothing_is_rough(self) -> None:
        pace = Pace()
        pace.looked(0.0, "a", 0.0)
        assert not pace.rough
