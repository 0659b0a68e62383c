"""A process that uses models: `python using_models.py DATABASE_URL STORAGE PAUSE_S`, until it is ended.

It loads the serving version of a user chosen by chance, as recommending does, and prints the id of each row whose use
was noted, after the commit. Only users with a version called "a" are chosen: those versions are whole.
"""

import random
import sys
import time

from sqlalchemy import text

from core.user_models import ModelKind
from db.engine import open_session
from integrations.model_storage import ModelStorage
from services.personal import life


def main(database_url: str, folder: str, pause_s: float) -> None:
    storage, chance = ModelStorage(folder), random.Random(1)
    with open_session(database_url) as session:
        users = session.scalars(text("SELECT DISTINCT user_id FROM user_models WHERE path LIKE '%/a'")).all()
        while True:
            row = life.serving(session, chance.choice(users), chance.choice(list(ModelKind)))
            if row is not None and life.touch(session, row.id):
                session.commit()
                life.load_files(storage, row)
                print(row.id, flush=True)
            session.rollback()
            time.sleep(pause_s)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
