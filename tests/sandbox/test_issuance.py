from hypothesis import given
from hypothesis import strategies as st

from bakehouse.sandbox.issuance import RewardParts, Snapshot

balances = st.integers(0, 10**15)
snapshots = st.builds(
    Snapshot,
    own_delegated=balances,
    own_staked=balances,
    delegators=st.lists(st.tuples(st.text(max_size=3), balances), max_size=4).map(tuple),
    stakers=st.lists(st.tuples(st.text(max_size=3), st.integers(1, 10**15)), max_size=4).map(tuple),
)


@given(snapshots, st.integers(0, 10**12))
def test_the_parts_of_a_reward_are_the_whole_of_it(snapshot: Snapshot, reward: int) -> None:
    parts = snapshot.split(reward)

    assert parts.total == reward
    assert min(parts.delegated, parts.staked_own, parts.staked_edge, parts.staked_shared) >= 0


@given(snapshots, st.integers(0, 10**12))
def test_what_is_shared_is_what_the_stakers_get(snapshot: Snapshot, reward: int) -> None:
    shared = snapshot.split(reward).staked_shared
    given_out = sum(amount for _, amount in snapshot.shares(shared)) if shared else 0

    assert shared - len(snapshot.stakers) <= given_out <= shared


def test_a_staked_mutez_brings_three_times_what_a_delegated_one_does() -> None:
    snapshot = Snapshot(own_delegated=0, own_staked=1_000, delegators=(("a", 3_000),), stakers=())

    assert snapshot.baking_power == 2_000
    assert snapshot.split(100) == RewardParts(delegated=50, staked_own=50)
