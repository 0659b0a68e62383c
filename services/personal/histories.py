"""Histories of users as recommenders take them: what is in their playlists, and what they played, skipped and liked."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.errors import PermanentError
from db.repositories import histories
from db.repositories.users import user_exists
from models.recommenders.catalog import Catalog
from models.recommenders.history import History

#: Of a user with more, what is learned for others takes the items they want most.
MAX_ITEMS = 10_000
_USERS_AT_ONCE = 200


def load_history(session: Session, user_id: int, catalog: Catalog) -> History:
    """What a user owns or touched; tracks that the catalog does not have are left out.

    Raises
    ------
    PermanentError
        `not-found`: there is no such user.
    """
    rows = histories.read_histories(session, [user_id])
    if not len(rows) and not user_exists(session, user_id):
        raise PermanentError("not-found", f"There is no user {user_id}.")
    return _history(rows, catalog)


def load_histories(session: Session, catalog: Catalog, max_users: int) -> dict[int, History]:
    """Those of the most active users by user id, ascending, with at most `MAX_ITEMS` items each; none is empty."""
    users = histories.most_active_users(session, max_users)
    return {user_id: history for user_id, history in _each(session, users, catalog) if len(history)}


def owned_or_disliked(history: History, n_items: int) -> NDArray[np.bool_]:
    """What must not be recommended to a user, [n_items]."""
    mask = np.zeros(n_items, dtype=np.bool_)
    mask[history.positions[history.owned | (history.likes < 0)]] = True
    return mask


def _each(session: Session, users: Sequence[int], catalog: Catalog) -> Iterator[tuple[int, History]]:
    """Histories of a few users at a time, so that their rows are never in memory all at once."""
    for start in range(0, len(users), _USERS_AT_ONCE):
        rows = histories.read_histories(session, users[start : start + _USERS_AT_ONCE])
        found, starts = np.unique(rows["user_id"], return_index=True)
        for user_id, of_user in zip(found.tolist(), np.split(rows, starts[1:]), strict=False):
            yield user_id, _most_wanted(_history(of_user, catalog))


def _most_wanted(history: History) -> History:
    if len(history) <= MAX_ITEMS:
        return history
    return history.take(np.sort(np.argsort(-history.weights(), kind="stable")[:MAX_ITEMS]))


def _history(rows: NDArray[np.void], catalog: Catalog) -> History:
    """The rows of one user, which come by ascending track id, as positions do."""
    positions = catalog.find(rows["track_id"].astype(np.int64))
    known = positions >= 0
    rows = rows[known]
    return History(
        positions[known],
        owned=rows["owned"] > 0,
        plays=rows["plays"].astype(np.float32),
        skips=rows["skips"].astype(np.float32),
        likes=rows["liked"].astype(np.int8),
        age_days=rows["age_days"].astype(np.float32),
    )
