"""The account of buffers: room that is promised is kept, what is claimed stays, the least recently used goes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from scumble.daemon.buffer_ledger import BufferLedger, Sizes

A, B, C, D = (bytes([n]) * 32 for n in range(4))


def put(ledger: BufferLedger, sizes: Sizes) -> list[Path]:
    """Claim these and write those that are not there."""
    removed = []
    ledger.claim(sizes)
    for name, size in sizes.items():
        if name not in ledger:
            removed += ledger.begin(name, size or 0)
            ledger.finish(name, Path(name.hex()), None)
    return removed


def test_the_least_recently_used_go_first_and_claimed_ones_stay() -> None:
    ledger = BufferLedger(300)
    assert put(ledger, {A: 100, B: 100, C: 100}) == []
    assert ledger.release([B]) == ledger.release([A]) == []
    assert put(ledger, {D: 100}) == [Path(B.hex())]
    assert [name in ledger for name in (A, B, C, D)] == [True, False, True, True]
    assert ledger.describe() == {"count": 3, "bytes": 300, "limit": 300}


def test_what_is_claimed_twice_stays_until_both_have_let_go() -> None:
    ledger = BufferLedger(100)
    put(ledger, {A: 100})
    ledger.claim({A: 100})
    ledger.release([A])
    assert not ledger.fits({B: 1})
    ledger.release([A])
    assert ledger.fits({B: 1})


def test_room_that_is_promised_counts_before_it_is_used() -> None:
    ledger = BufferLedger(300)
    ledger.claim({A: 200})
    assert not ledger.fits({B: 200})
    assert ledger.fits({B: 100})
    assert ledger.fits({A: 200, B: 100})
    assert not ledger.could_hold({A: 200, B: 101})


def test_what_is_being_written_counts_when_nobody_claims_it_any_more() -> None:
    ledger = BufferLedger(300)
    ledger.claim({A: 200})
    ledger.begin(A, 200)
    ledger.release([A])
    assert not ledger.fits({B: 200})
    ledger.abort(A)
    assert ledger.fits({B: 200})
    assert ledger.describe()["bytes"] == 0


@pytest.mark.parametrize("size", [300, 10_000])
def test_the_first_is_always_let_in_and_clearing_forgets_all(size: int) -> None:
    ledger = BufferLedger(300)
    assert ledger.fits({A: size})
    put(ledger, {A: size})
    assert ledger.clear() == [Path(A.hex())]
    assert ledger.describe()["bytes"] == 0
