"""Models of users in a folder: whole or absent, checked, and never outside the root."""

import hashlib
import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import ConfigurationError, PermanentError, RetryableError
from integrations.model_storage import ModelStorage

FILES = {"model.npz": b"\0\1\2" * 100, "words.json": b"{}"}


@pytest.fixture
def root(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def storage(root):
    return ModelStorage(str(root))


def paths(storage, below=""):
    return sorted(folder.path for folder in storage.list(below))


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_version_is_read_as_it_was_written(storage, root):
    stored = storage.write("m1/123/1-abc", FILES)
    assert storage.read("m1/123/1-abc", stored.sha256) == FILES
    assert stored.sha256 == hashlib.sha256((root / "m1/123/1-abc/files.json").read_bytes()).hexdigest()
    [folder] = storage.list()
    assert (folder.path, folder.kind, folder.user_id, folder.version) == ("m1/123/1-abc", "m1", 123, "1-abc")
    assert folder.size_bytes == stored.size_bytes == sum(p.stat().st_size for p in root.rglob("*.*") if p.is_file())
    assert (folder.files, folder.whole, storage.holds("m1/123/1-abc")) == (3, True, True)
    assert abs(folder.modified_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_file_url_is_that_folder(storage, root):
    ModelStorage(root.as_uri()).write("m3/community/1", FILES)
    assert [folder.user_id for folder in storage.list()] == [None]


def test_versions_are_listed_by_user(storage):
    for path in ("m1/1/a", "m1/12/b", "m2/1/c", "m1/1/d"):
        storage.write(path, FILES)
    assert paths(storage, "m1/1") == ["m1/1/a", "m1/1/d"]
    assert paths(storage) == ["m1/1/a", "m1/1/d", "m1/12/b", "m2/1/c"]
    assert paths(storage, "m3/1") == []


def test_deleting_leaves_nothing_and_may_be_repeated(storage, root):
    storage.write("m1/1/a", FILES)
    storage.write("m1/1/b", FILES)
    storage.delete("m1/1/a")
    storage.delete("m1/1/a")
    assert paths(storage) == ["m1/1/b"]
    storage.delete("m1/1/b")
    assert tree(root) == ["m1"]
    assert not storage.holds("m1/1/b")


def test_a_version_never_changes(storage):
    stored = storage.write("m1/1/a", FILES)
    with pytest.raises(PermanentError, match="m1/1/a is there already") as refusal:
        storage.write("m1/1/a", {"model.npz": b"other"})
    assert refusal.value.code == "wrong-state"
    assert storage.read("m1/1/a", stored.sha256) == FILES


def swapped_manifest(folder):
    """One that fits the changed file, but not the row."""
    (folder / "words.json").write_bytes(b"[]")
    document = json.loads((folder / "files.json").read_bytes())
    document["files"]["words.json"] = {"sha256": hashlib.sha256(b"[]").hexdigest(), "size": 2}
    (folder / "files.json").write_text(json.dumps(document))


HARM = {
    "a byte": lambda folder: (folder / "model.npz").write_bytes(b"\0\1\3" * 100),
    "the length": lambda folder: (folder / "model.npz").write_bytes(b""),
    "a file gone": lambda folder: (folder / "words.json").unlink(),
    "the manifest gone": lambda folder: (folder / "files.json").unlink(),
    "the manifest": lambda folder: (folder / "files.json").write_text("{}"),
    "a file and the manifest": swapped_manifest,
    "a link": lambda folder: ((folder / "words.json").unlink(), (folder / "words.json").symlink_to("model.npz")),
    "the folder": lambda folder: folder.rename(folder.parent / "other"),
}


@pytest.mark.parametrize("harm", HARM)
def test_what_was_changed_is_not_read(storage, root, harm):
    stored = storage.write("m1/1/a", FILES)
    HARM[harm](root / "m1/1/a")
    with pytest.raises(PermanentError, match="m1/1/a") as refusal:
        storage.read("m1/1/a", stored.sha256)
    assert refusal.value.code == "user-model-corrupt"


@pytest.mark.parametrize(
    "manifest",
    [
        '{"format":2,"files":{}}',
        '{"format":1,"files":[]}',
        '{"format":1,"files":{"../x.json":{"sha256":"","size":0}}}',
        "no",
        "[]",
    ],
)
def test_a_manifest_that_is_none_is_not_believed_even_with_its_own_checksum(storage, root, manifest):
    storage.write("m1/1/a", FILES)
    (root / "m1/1/a/files.json").write_text(manifest)
    with pytest.raises(PermanentError, match=r"files\.json"):
        storage.read("m1/1/a", hashlib.sha256(manifest.encode()).hexdigest())


OUTSIDE = [
    *("m1/1/..", "m1/../x", "../m1/1", "/m1/1/a", "m1/1/a/..", "m1/1/", "m1//a", "m1/1", "m1/1/a/b", "", "m1/1/.a"),
    *(
        "m4/1/a",
        "m1/-1/a",
        "m1/01/a",
        "m1/x/a",
        "m1/1/A",
        "m1/1/a\0",
        "m1/1/a\n",
        "m1/9999999999999999999/a",
        "m1/1/a b",
    ),
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_leads_out_of_the_root(storage, root, path):
    for call in (
        lambda: storage.write(path, FILES),
        lambda: storage.read(path, ""),
        lambda: storage.delete(path),
        lambda: storage.holds(path),
    ):
        with pytest.raises(PermanentError) as refusal:
            call()
        assert refusal.value.code == "user-model-corrupt"
    assert not root.exists()


@pytest.mark.parametrize("below", ["..", "m1/..", "/etc", "m1/1/a/b", "x"])
def test_listing_leads_nowhere_else(storage, below):
    with pytest.raises(PermanentError):
        list(storage.list(below))


@pytest.mark.parametrize(
    "name",
    ["model.pkl", "model.joblib", "model.pt", "m.py", "../x.json", "a/b.json", ".json", "files.json", "x", "x.npz\n"],
)
def test_formats_that_hold_code_and_odd_names_are_refused(storage, root, name):
    with pytest.raises(PermanentError, match="may not have a file"):
        storage.write("m1/1/a", {**FILES, name: b""})
    assert not root.exists()


def test_strangers_are_told_and_stay(storage, root, tmp_path):
    storage.write("m1/1/a", FILES)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "photo.json").write_bytes(b"dear")
    (root / "notes.txt").write_text("x")
    (root / "m1/0x1").mkdir()
    (root / "m1/2").symlink_to(outside)
    (root / "m1/1/link").symlink_to(outside)
    (root / "m1/1/mine").mkdir()
    (root / "m1/1/mine/photo.jpg").write_bytes(b"dear")
    (root / "m2").symlink_to(outside)
    before = tree(root)
    expected = ["m1/0x1", "m1/1/link", "m1/1/mine/photo.jpg", "m1/2", "m2", "notes.txt"]
    assert sorted(storage.strangers()) == expected
    assert paths(storage) == ["m1/1/a"]
    for path in ("m1/1/link", "m1/1/mine", "m1/2/a", "m2/1/a", "m1/2/photo.json"):
        storage.delete(path)
    assert (tree(root), (outside / "photo.json").read_bytes()) == (before, b"dear")


def test_files_of_others_in_a_folder_of_ours_stay(storage, root, tmp_path):
    (tmp_path / "outside.npz").write_bytes(b"dear")
    storage.write("m1/1/a", FILES)
    (root / "m1/1/a/photo.jpg").write_bytes(b"dear")
    (root / "m1/1/a/link.npz").symlink_to(tmp_path / "outside.npz")
    storage.delete("m1/1/a")
    assert tree(root / "m1/1/a") == ["link.npz", "photo.jpg"]
    assert (tmp_path / "outside.npz").read_bytes() == b"dear"


def test_a_version_beside_files_of_others_is_listed_as_far_as_it_is_of_ours(storage, root):
    """Whoever removes all versions of a user must hear of it; a file browser or NFS may have left something."""
    stored = storage.write("m1/1/a", FILES)
    (root / "m1/1/a/.DS_Store").write_bytes(b"x")
    (root / "m1/1/a/sub").mkdir()
    [folder] = storage.list("m1/1")
    assert (folder.path, folder.files, folder.size_bytes, folder.whole) == ("m1/1/a", 3, stored.size_bytes, True)
    assert sorted(storage.strangers()) == ["m1/1/a/.DS_Store", "m1/1/a/sub"]
    storage.delete("m1/1/a")
    assert tree(root / "m1/1/a") == [".DS_Store", "sub"]
    assert (paths(storage), sorted(storage.strangers())) == ([], ["m1/1/a/.DS_Store", "m1/1/a/sub"])


def test_nothing_is_read_or_written_through_a_link(storage, root, tmp_path):
    stored = storage.write("m1/1/a", FILES)
    (root / "m1/1").rename(tmp_path / "moved")
    (root / "m1/1").symlink_to(tmp_path / "moved")
    assert not storage.holds("m1/1/a")
    with pytest.raises(PermanentError, match="lacks"):
        storage.read("m1/1/a", stored.sha256)
    with pytest.raises(RetryableError, match="m1/1/b"):
        storage.write("m1/1/b", FILES)
    assert tree(tmp_path / "moved") == ["a", "a/files.json", "a/model.npz", "a/words.json"]
    assert tree(root) == ["m1", "m1/1"]


def test_what_is_left_of_a_version_counts_and_goes(storage, root):
    storage.write("m1/1/a", FILES)
    (root / "m1/1/a/files.json").unlink()
    [folder] = storage.list()
    assert (folder.whole, folder.files) == (False, 2)
    storage.delete("m1/1/a")
    (root / "m1/1/b").mkdir(parents=True)
    assert [(folder.path, folder.files) for folder in storage.list()] == [("m1/1/b", 0)]
    storage.delete("m1/1/b")
    assert paths(storage) == []


KILLED_WRITER = """
import sys
from integrations.model_storage import ModelStorage
storage = ModelStorage(sys.argv[1])
print("ready", flush=True)
n = 0
while True:
    n += 1
    storage.write(f"m1/1/{n}", {f"{i}.npz": bytes(100_000) for i in range(20)})
"""


def test_a_writer_that_is_killed_leaves_only_whole_versions_and_what_it_was_at(storage, root):
    script = [sys.executable, "-c", KILLED_WRITER, str(root)]
    unfinished = set()
    for _ in range(5):
        with subprocess.Popen(script, stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            while not list(storage.unfinished(datetime.now(UTC) + timedelta(hours=1))) and writer.poll() is None:
                pass
            writer.kill()
        folders = list(storage.list())
        assert all((folder.whole, folder.files) == (True, 21) for folder in folders)
        unfinished |= set(storage.unfinished(datetime.now(UTC) + timedelta(hours=1)))
        for folder in folders:
            storage.delete(folder.path)
    assert list(storage.strangers()) == []
    assert list(storage.unfinished(datetime.now(UTC) - timedelta(hours=1))) == []
    for name in unfinished:
        storage.discard(name)
        storage.discard(name)
    assert tree(root) in (["m1"], [])


def test_writers_and_deleters_of_one_user_do_not_disturb_each_other(storage):
    """The folder of the user comes and goes with its last version."""

    def write_and_delete(name):
        for n in range(30):
            storage.write(f"m1/1/{name}-{n}", {"x.json": b"1"})
            storage.delete(f"m1/1/{name}-{n}")
        storage.write(f"m1/1/{name}", {"x.json": b"1"})

    threads = [threading.Thread(target=write_and_delete, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths(storage) == [f"m1/1/{name}" for name in "abcd"]


def test_a_missing_root_lost_no_model(storage, root):
    assert (paths(storage), list(storage.strangers())) == ([], [])
    for call in (lambda: storage.read("m1/1/a", ""), lambda: storage.holds("m1/1/a")):
        with pytest.raises(RetryableError, match=str(root)) as failure:
            call()
        assert failure.value.code == "model-storage-unavailable"


def test_a_root_that_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    storage = ModelStorage(str(tmp_path / "file"))
    for call in (lambda: storage.write("m1/1/a", FILES), lambda: list(storage.list())):
        with pytest.raises(RetryableError, match="ENOTDIR"):
            call()


def test_a_full_disk_leaves_nothing(tmp_path):
    """A limit on the size of files is what a process can do to itself; the error comes from the same calls."""
    script = """
import resource, signal, sys
from integrations.model_storage import ModelStorage
from core.errors import RetryableError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    ModelStorage(sys.argv[1]).write("m1/1/a", {"a.npz": bytes(100), "b.npz": bytes(5000)})
except RetryableError as error:
    print(error.code, error.message)
"""
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "models")], capture_output=True, text=True, check=True
    )
    assert "model-storage-unavailable" in result.stdout
    assert "EFBIG" in result.stdout
    assert tree(tmp_path / "models") == []


@pytest.mark.parametrize(
    ("url", "code", "match"),
    [
        ("simplecache::s3://bucket/x", "invalid-settings", "MUSICSPACE_PERSONAL__STORAGE_URL"),
        ("nonsense://user:secret@x/y", "invalid-settings", "^nonsense://x/y cannot be used"),
        ("s3://", "invalid-settings", "STORAGE_OPTIONS"),
    ],
)
def test_urls_that_cannot_be_used(url, code, match):
    with pytest.raises(ConfigurationError, match=match) as failure:
        list(ModelStorage(url, {"key": "secret"}).list())
    assert failure.value.code == code
    assert "secret" not in failure.value.message


def test_a_folder_needs_no_fsspec():
    script = "import sys, tempfile; from integrations.model_storage import ModelStorage; " + (
        "s = ModelStorage(tempfile.mkdtemp()); s.write('m1/1/a', {'x.json': b'1'}); list(s.list()); "
        "print('fsspec' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"False\n"
