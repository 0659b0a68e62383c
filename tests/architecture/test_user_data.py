"""Whatever is stored about a user can be forgotten: no table that names one is unknown to the removal."""

from db.repositories.user_data import REMOVED_TABLES, SCRUBBED_TABLES
from db.tables import Base

# They refer to something that a user caused, and hold nothing about the user.
NOT_ABOUT_USERS = {"model_versions": "Predictors that serve everybody; `job_id` is the training of one."}


def tables_about_users():
    """Tables with a column for a user, and those that refer to such a table, and so on."""
    found = {
        table.name
        for table in Base.metadata.tables.values()
        if table.name == "users" or any("user_id" in column.name for column in table.columns)
    }
    while True:
        more = {
            table.name
            for table in Base.metadata.tables.values()
            if table.name not in found | set(NOT_ABOUT_USERS)
            and any(key.column.table.name in found for key in table.foreign_keys)
        }
        if not more:
            return found
        found |= more


def test_every_table_about_users_is_removed_or_scrubbed():
    assert tables_about_users() == set(REMOVED_TABLES) | set(SCRUBBED_TABLES)


def test_children_go_before_their_parents():
    for name in REMOVED_TABLES:
        for key in Base.metadata.tables[name].foreign_keys:
            parent = key.column.table.name
            if parent in REMOVED_TABLES:
                assert REMOVED_TABLES.index(name) < REMOVED_TABLES.index(parent), (name, parent)


def test_a_table_of_the_ledger_with_a_new_text_is_looked_at():
    """Free text and JSON of the ledger may hold words of a user: those known are scrubbed, others need a decision."""
    words = {
        (table, column.name)
        for table in SCRUBBED_TABLES
        for column in Base.metadata.tables[table].columns
        if str(column.type) in {"TEXT", "JSONB"}
    }
    scrubbed = {
        ("jobs", "params"),
        ("jobs", "summary"),
        ("jobs", "unique_key"),
        ("work_items", "payload"),
        ("work_items", "result"),
        ("work_items", "error_message"),
        ("attempts", "error_message"),
    }
    harmless = {
        ("jobs", "kind"),
        ("work_items", "kind"),
        ("work_items", "state"),
        ("work_items", "worker"),
        ("work_items", "error_code"),
        ("attempts", "worker"),
        ("attempts", "outcome"),
        ("attempts", "error_code"),
    }
    assert words == scrubbed | harmless
