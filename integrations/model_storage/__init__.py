"""Where models of users are kept: a folder, or whatever fsspec reaches by a URL.

`storage` is the way in, `layout` says what may lie where, `manifest` which files a version has, `local` and `remote`
move bytes. Nothing here imports fsspec before a URL asks for it.
"""

from integrations.model_storage.layout import StoredFolder, VersionPath
from integrations.model_storage.storage import ModelStorage, StoredFiles

__all__ = ["ModelStorage", "StoredFiles", "StoredFolder", "VersionPath"]
