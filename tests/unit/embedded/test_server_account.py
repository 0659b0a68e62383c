"""What an account may reach, from the modes of folders and files."""

import os
from pathlib import Path

from integrations.embedded.account import Account

SOMEBODY_ELSE = Account(uid=os.getuid() + 1, gid=os.getgid() + 1, name="somebody else")
COLLEAGUE = Account(uid=os.getuid() + 1, gid=os.getgid(), name="colleague")
MYSELF = Account(uid=os.getuid(), gid=os.getgid(), name="me")


def test_the_topmost_closed_folder_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "inner").mkdir(parents=True)
    (closed / "inner").chmod(0o700)
    closed.chmod(0o711)
    assert SOMEBODY_ELSE.blocked_at(closed / "inner") in {*tmp_path.parents, tmp_path, closed / "inner"}
    assert MYSELF.blocked_at(closed / "inner") is None


def test_the_class_of_the_account_decides(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for mode, readers in [(0o600, [MYSELF]), (0o640, [MYSELF, COLLEAGUE]), (0o604, [MYSELF, SOMEBODY_ELSE])]:
        file.chmod(mode)
        assert [account for account in (MYSELF, COLLEAGUE, SOMEBODY_ELSE) if account._allowed(file, 0o4)] == readers


def test_our_own_account_needs_no_change_of_user() -> None:
    assert Account(os.geteuid(), os.getegid(), "me").spawn_options == {}
    assert SOMEBODY_ELSE.spawn_options == {"user": SOMEBODY_ELSE.uid, "group": SOMEBODY_ELSE.gid, "extra_groups": []}
