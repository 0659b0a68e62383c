"""Tracks keep moods, track number and the number of tracks of their album."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tracks", sa.Column("moods", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False))
    op.add_column("tracks", sa.Column("track_number", sa.SmallInteger(), nullable=True))
    op.add_column("tracks", sa.Column("album_total_tracks", sa.SmallInteger(), nullable=True))


def downgrade() -> None:
    for column in ("album_total_tracks", "track_number", "moods"):
        op.drop_column("tracks", column)
