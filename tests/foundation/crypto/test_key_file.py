"""The key file: written once, readable by one account, refused with advice when it is wrong."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.foundation.crypto.key_file import (
    Key,
    KeyFile,
    KeyFileMissing,
    KeyFileUnreadable,
    create_key_file,
    load_key_file,
)


def secrets_of(keys: KeyFile) -> list[bytes]:
    return [each.secret for each in (*keys.wrap, keys.index)]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_a_created_key_file_loads_again_and_only_its_owner_may_open_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    created = create_key_file(path)
    assert secrets_of(load_key_file(path)) == secrets_of(created)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "Keep a copy of it, but never beside a backup" in path.read_text(encoding="ascii")


def test_a_wide_umask_does_not_open_the_key_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_key_file(tmp_path / "key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_an_existing_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    created = create_key_file(path)
    with pytest.raises(FileExistsError):
        create_key_file(path)
    assert secrets_of(load_key_file(path)) == secrets_of(created)


def test_a_missing_key_file_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(KeyFileMissing, match="backups of the database never hold it"):
        load_key_file(tmp_path / "key")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o777])
def test_a_key_file_open_to_others_is_refused_with_the_command_to_run(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    create_key_file(path)
    path.chmod(mode)
    with pytest.raises(KeyFileUnreadable, match=f"chmod 600 {path}"):
        load_key_file(path)


def test_a_stricter_mode_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "key"
    create_key_file(path)
    path.chmod(0o400)
    assert load_key_file(path).wrap


def test_a_folder_or_a_device_is_no_key_file(tmp_path: Path) -> None:
    for path in (tmp_path, Path(os.devnull)):
        with pytest.raises(KeyFileUnreadable, match="a file"):
            load_key_file(path)


def test_a_wrongly_copied_key_is_found_and_its_line_named(tmp_path: Path) -> None:
    text = KeyFile.new().to_text()
    at = text.rindex("wrap ") + 30
    slip = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
    number = text[:at].count("\n") + 1
    with pytest.raises(KeyFileUnreadable, match=f"line {number} ") as refusal:
        load_key_file(write(tmp_path / "key", slip))
    assert slip.split()[-1] not in str(refusal.value)


def test_a_file_without_its_keys_or_with_one_twice_is_refused(tmp_path: Path) -> None:
    *comments, wrap, index = KeyFile.new().to_text().splitlines()
    for lines in ([], comments, [wrap], [index], [wrap, index, index], [wrap, wrap, index]):
        with pytest.raises(KeyFileUnreadable, match="at least one 'wrap' key"):
            load_key_file(write(tmp_path / "key", "\n".join(lines)))


@given(text=st.one_of(st.text(), st.from_regex(r"(wrap|index) [0-9a-f]{16} [\w+/=]{44}")))
def test_no_content_gives_keys_by_chance(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("keys") / "key"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    path.chmod(0o600)
    with pytest.raises(KeyFileUnreadable):
        load_key_file(path)


def test_a_new_key_goes_first_and_the_old_ones_stay(tmp_path: Path) -> None:
    old = KeyFile.new()
    new = KeyFile((Key.new(), *old.wrap), old.index)
    loaded = load_key_file(write(tmp_path / "key", new.to_text()))
    assert secrets_of(loaded) == secrets_of(new)
    assert secrets_of(loaded)[1:] == secrets_of(old)


def test_a_key_has_exactly_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes, not 31"):
        Key(bytes(31))


def test_keys_show_their_id_and_not_their_secret() -> None:
    keys = KeyFile.new()
    shown = repr(keys) + str(keys.wrap[0])
    assert keys.wrap[0].key_id.hex() in shown
    for each in secrets_of(keys):
        assert each.hex() not in shown
        assert repr(each) not in shown
