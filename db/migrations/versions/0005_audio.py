"""Descriptors and embeddings of audio, and feedback on transitions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audio_descriptors",
        sa.Column("track_id", sa.BigInteger(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("content_hash", sa.Text(), nullable=True),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("duration_s", sa.REAL(), nullable=True),
        sa.Column("bpm", sa.REAL(), nullable=True),
        sa.Column("bpm_confidence", sa.REAL(), nullable=True),
        sa.Column("key_root", sa.SmallInteger(), nullable=True),
        sa.Column("key_mode", sa.Text(), nullable=True),
        sa.Column("key_clarity", sa.REAL(), nullable=True),
        sa.Column("loudness_lufs", sa.REAL(), nullable=True),
        sa.Column("description", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("profiles", sa.LargeBinary(), nullable=True),
        sa.Column("analyzed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.id"], name=op.f("fk_audio_descriptors_track_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_audio_descriptors")),
    )
    op.create_index(
        "ix_audio_descriptors_content_hash",
        "audio_descriptors",
        ["content_hash"],
        postgresql_where=sa.text("content_hash IS NOT NULL"),
    )
    op.create_table(
        "embeddings",
        sa.Column("track_id", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name=op.f("fk_embeddings_track_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("track_id", "space", "segment", name=op.f("pk_embeddings")),
    )
    op.create_index("ix_embeddings_space_segment", "embeddings", ["space", "segment"])
    op.create_table(
        "dj_feedback",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("current_track_id", sa.BigInteger(), nullable=False),
        sa.Column("next_track_id", sa.BigInteger(), nullable=False),
        sa.Column("goal", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("played_seconds", sa.REAL(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *(
            sa.ForeignKeyConstraint([name], ["tracks.id"], name=op.f(f"fk_dj_feedback_{name}"), ondelete="CASCADE")
            for name in ("current_track_id", "next_track_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dj_feedback")),
        sa.UniqueConstraint("event_id", name=op.f("uq_dj_feedback_event_id")),
    )


def downgrade() -> None:
    op.drop_table("dj_feedback")
    op.drop_table("embeddings")
    op.drop_table("audio_descriptors")
