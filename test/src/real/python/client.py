"""python-tuf as a client of one of our repositories: client.py ROOT METADATA_URL TARGETS_URL FOLDER PATH

Prints the sha256 of what it downloaded; a refusal is one line on stderr and exit status 1.
"""
import hashlib
import os
import sys

from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.ngclient import Updater, UpdaterConfig

root, metadata_url, targets_url, folder, path = sys.argv[1:]
metadata_dir = os.path.join(folder, "metadata")
target_dir = os.path.join(folder, "targets")
os.makedirs(metadata_dir, exist_ok=True)
os.makedirs(target_dir, exist_ok=True)

try:
    updater = Updater(
        metadata_dir,
        metadata_url,
        target_dir,
        targets_url,
        config=UpdaterConfig(),
        bootstrap=open(root, "rb").read(),
    )
    updater.refresh()
    target = updater.get_targetinfo(path)
    if target is None:
        sys.exit(f"not found: {path}")
    local = updater.download_target(target)
    print(hashlib.sha256(open(local, "rb").read()).hexdigest())
except (RepositoryError, DownloadError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
