"""What TAPS left behind, read: both dialects of H2 and CSV, and everything that is refused."""

from pathlib import Path

import pytest

from bakehouse.errors import InputError
from bakehouse.importers.moving_in import MovingIn, Outcome
from bakehouse.importers.old_tables import SECRET_COLUMNS
from bakehouse.importers.taps_files import read_taps
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.tezos.base58check import Prefix, encode

ANN, BOB = (encode(Prefix.TZ1, bytes([index] * 20)) for index in (7, 8))
HASH = encode(Prefix.OPERATION_HASH, bytes(range(32)))
BAKER = "tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb"
BURN = "tz1burnburnburnburnburnburnburjAYjjX"

#: What the recorded scripts hold was invented, but for their form.
INVENTED = {
    "tz1RLNfVUUvzCcAkTHsFrEZH1Kg7cCbNNy4M": ANN,
    "tz1gjaF81ZRRvdzjobyfVNsAeSC6PScjfQwN": BOB,
    "onvX8vBGFcJtwvpFHnyMhoZnCVCbSPTUPYPTHmzXHTHqfjqqLhx": HASH,
}


def made_true(text: str) -> str:
    """Put addresses and a hash with true checksums where invented ones are."""
    for invented, real in INVENTED.items():
        text = text.replace(invented, real)
    return text


@pytest.fixture(params=["1.3", "1.4"])
def script(request: pytest.FixtureRequest, taps_scripts: dict[str, Path]) -> str:
    return made_true(taps_scripts[request.param].read_text())


@pytest.fixture
def upgraded(taps_scripts: dict[str, Path]) -> str:
    return made_true(taps_scripts["1.4"].read_text())


def reading(text: str, folder: Path) -> MovingIn:
    path = folder / "taps-export.sql"
    path.write_text(text)
    return read_taps(path)


def refusal(text: str, folder: Path) -> str:
    with pytest.raises(InputError) as raised:
        reading(text, folder)
    return raised.value.message


def test_a_script_of_either_dialect_says_the_same(script: str, tmp_path: Path) -> None:
    moving = reading(script, tmp_path)

    assert moving.settings.baker_id == BAKER
    assert moving.settings.settings == {
        "default_fee": 525,
        "update_freq": 10,
        "bond_pool_enabled": True,
    }
    # Who has the default fee has none of its own.
    assert moving.settings.fees == {BOB: 0}
    assert moving.settings.members == (
        BondPoolMember(ANN, 5_000_000_000, 200, is_manager=True, name="O'Brien"),  # type: ignore[arg-type]
        BondPoolMember(BOB, 3_000_000_000, 200),  # type: ignore[arg-type]
    )
    assert moving.history.closed == [499]
    assert moving.history.last_cycle == 499
    assert [(each.address, each.outcome) for each in moving.history.payments] == [
        (ANN, Outcome.PAID),
        (BURN, Outcome.PAID),
        (BOB, Outcome.UNCLEAR),
    ]


def test_amounts_are_exact_where_the_file_has_six_decimals(upgraded: str, tmp_path: Path) -> None:
    payments = reading(upgraded, tmp_path).history.payments

    assert [(each.amount, each.operation_hash) for each in payments] == [
        (120_000_000, HASH),
        (3_970, HASH),
        (5_539_240, None),
    ]
    assert [each.tolerance for each in payments] == [9_999, 0, 0]


def test_a_folder_of_csv_says_the_same(upgraded: str, tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    tables = {
        "SETTINGS": f"BAKER_ID,DEFAULT_FEE,UPDATE_FREQ,PASS_HASH\n{BAKER},5.25,10,A3F5\n",
        "payments": f"baker_id,cycle,date,result,total\n{BAKER},499,2024-01-15,paid,125.54\n",
        "delegatorsPayments": "BAKER_ID,CYCLE,ADDRESS,DATE,RESULT,TOTAL,TRANSACTION_HASH\n"
        f"{BAKER},499,{ANN},2024-01-15,applied,120.000001,{HASH}\n",
        "delegatorsFee": f"BAKER_ID,ADDRESS,FEE\n{BAKER},{BOB},0.00\n",
    }
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)

    moving = read_taps(folder)

    assert moving.settings.settings["default_fee"] == 525
    assert moving.settings.fees == {BOB: 0}
    (payment,) = moving.history.payments
    assert (payment.amount, payment.operation_hash) == (120_000_001, HASH)
    assert len(moving.files) == len(tables)


def test_secrets_are_dropped_as_they_are_read(upgraded: str, tmp_path: Path) -> None:
    moving = reading(upgraded, tmp_path)

    assert "segredo" in upgraded
    assert {"PASS_HASH", "PHRASE", "APP_PHRASE", "WALLET_HASH"} < SECRET_COLUMNS
    assert not any(secret in repr(moving) for secret in ("segredo", "S4LT", "A3F5C9D1E7B2"))


def test_texts_of_other_scripts_are_read_as_h2_writes_them(upgraded: str, tmp_path: Path) -> None:
    named = upgraded.replace("'O''Brien'", r"STRINGDECODE('Jo\u00e3o; (x)')")

    assert reading(named, tmp_path).settings.members[0].name == "João; (x)"


def test_only_a_bakers_own_rows_are_read(upgraded: str, tmp_path: Path) -> None:
    row = f"('{BAKER}', 499, '{ANN}', DATE '2024-01-15', 'applied', 120.000000, '{HASH}')"
    assert row in upgraded
    other = row.replace(BAKER, ANN)

    moving = reading(upgraded.replace(row, f"{row},\n{other}"), tmp_path)

    assert len(moving.history.payments) == 3


def test_a_row_that_is_there_twice_counts_once(upgraded: str, tmp_path: Path) -> None:
    row = f"('{BAKER}', 499, '{ANN}', DATE '2024-01-15', 'applied', 120.000000, '{HASH}')"

    moving = reading(upgraded.replace(row, f"{row},\n{row}"), tmp_path)

    assert len(moving.history.payments) == 3
    assert "each is there a second time" in {each.why for each in moving.history.left}


def test_cycles_that_were_only_simulated_are_not_closed(upgraded: str, tmp_path: Path) -> None:
    moving = reading(
        upgraded.replace("'applied'", "'simulated'")
        .replace("'failed'", "'simulated'")
        .replace("'paid'", "'rewards_delivered'"),
        tmp_path,
    )

    assert moving.history.closed == []
    assert moving.history.last_cycle == 499
    assert any("only simulated: 499" in each.old for each in moving.history.left)


def test_a_script_that_is_cut_off_anywhere_is_refused(script: str, tmp_path: Path) -> None:
    end = script.rindex("INSERT")
    for length in range(len(script) // 9, end, len(script) // 9):
        message = refusal(script[:length], tmp_path)
        assert "taps-export.sql" in message
        assert any(
            words in message for words in ("cut off", "no end", "no table", "brackets are missing")
        ), message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (ANN, "tz1RLNfVUUvzCcAkTHsFrEZH1Kg7cCbNNy4M", "line 60: 'tz1RLN"),
        (HASH, "onvX8vBGFcJtwvpFHnyMhoZnCVCbSPTUPYPTHmzXHTHqfjqqLhx", "line 37: 'onvX8v"),
        ("120.000000", "120.0000001", "line 37: 120.0000001 tez is not a whole number of mutez"),
        ("120.000000", "-5", "line 37: -5 tez is not an amount that there can be"),
        ("5.25, 10", "105.25, 10", "line 25: '105.25' is not a percentage"),
        ("5.25, 10", "5.255, 10", "line 25: '5.255' is not a percentage"),
        ("'failed'", "'lost'", "line 39: RESULT 'lost' is none that TAPS writes"),
        ("2.00, FALSE", "2.00, TRUE", "line 81: the bond pool: a bond pool has exactly one"),
        ("DATE '2024-01-15', 'failed'", "DATE 'soon', 'failed'", "line 39: DATE is not a date"),
        ("'failed', 5.539240, NULL)", "'failed', 5.539240)", "line 39: a row has 6 values for 7"),
        ("499, 'tz1burn", "-1, 'tz1burn", "line 38: CYCLE must be a whole number"),
        ("CREATE CACHED TABLE", "CREATE `TABLE`", "'`' is nothing that H2 writes"),
        ('CACHED TABLE "PUBLIC"."SETTINGS"(', '"PUBLIC"(', "rows of SETTINGS stand before the"),
        ('"PUBLIC"."PAYMENTS" VALUES', '"PUBLIC"."PAYMENTS" SELECT', "rows must follow as VALUES"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(
    upgraded: str, tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert old in upgraded

    message = refusal(upgraded.replace(old, new, 1 if old != ANN else -1), tmp_path)

    assert words in message, message
    assert not any(secret in message for secret in ("segredo", "S4LT", "A3F5"))


def test_two_amounts_for_one_payment_are_refused(upgraded: str, tmp_path: Path) -> None:
    row = f"('{BAKER}', 499, '{ANN}', DATE '2024-01-15', 'applied', 120.000000, '{HASH}')"
    other = row.replace("120.000000", "121.000000")

    message = refusal(upgraded.replace(row, f"{row},\n{other}"), tmp_path)

    assert "line 38" in message
    assert "has another amount for cycle 499 already" in message
    assert "line 37" in message


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    for text in ("", "hello", "-- nothing\n", "SELECT 1;"):
        assert "taps-export.sql" in refusal(text, tmp_path)
    binary = tmp_path / "tapsDB.h2.db"
    binary.write_bytes(b"-- H2 0.5/B --\0\0")
    with pytest.raises(InputError, match="is no text: export it first"):
        read_taps(binary)
    with pytest.raises(InputError, match="cannot read"):
        read_taps(tmp_path / "nowhere.sql")
