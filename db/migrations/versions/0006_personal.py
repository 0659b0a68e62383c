"""Interactions, models of users, and how much those take."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "interaction_events",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("track_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('play', 'skip', 'like', 'dislike', 'unlike')", name=op.f("ck_interaction_events_kind")
        ),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.id"], name=op.f("fk_interaction_events_track_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_interaction_events_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "event_id", name=op.f("pk_interaction_events")),
    )
    op.create_index(op.f("ix_interaction_events_track_id"), "interaction_events", ["track_id"], unique=False)
    op.create_table(
        "interactions",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("track_id", sa.BigInteger(), nullable=False),
        sa.Column("plays", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("skips", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("liked", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("liked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_played_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("liked BETWEEN -1 AND 1", name=op.f("ck_interactions_liked")),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name=op.f("fk_interactions_track_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_interactions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "track_id", name=op.f("pk_interactions")),
    )
    op.create_index(op.f("ix_interactions_track_id"), "interactions", ["track_id"], unique=False)
    op.create_table(
        "personalized_users",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("outdated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_personalized_users_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_personalized_users")),
    )
    op.create_index(
        "ix_personalized_users_outdated_at",
        "personalized_users",
        ["outdated_at"],
        unique=False,
        postgresql_where=sa.text("outdated_at IS NOT NULL"),
    )
    op.create_table(
        "user_models",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("metrics", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("trained_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('m1', 'm2', 'm3')", name=op.f("ck_user_models_kind")),
        sa.CheckConstraint("state IN ('serving', 'previous', 'deleting')", name=op.f("ck_user_models_state")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_models_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_models")),
        sa.UniqueConstraint("path", name=op.f("uq_user_models_path")),
    )
    op.create_index("ix_user_models_last_used_at", "user_models", ["last_used_at"], unique=False)
    op.create_index("ix_user_models_user_id", "user_models", ["user_id"], unique=False)
    op.create_index(
        "uq_user_models_previous",
        "user_models",
        [sa.literal_column("coalesce(user_id, -1)"), "kind"],
        unique=True,
        postgresql_where=sa.text("state = 'previous'"),
    )
    op.create_index(
        "uq_user_models_serving",
        "user_models",
        [sa.literal_column("coalesce(user_id, -1)"), "kind"],
        unique=True,
        postgresql_where=sa.text("state = 'serving'"),
    )
    op.create_table(
        "model_usage_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("models", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("day", "kind", name=op.f("pk_model_usage_days")),
    )
    op.create_index(
        "ix_work_items_trainings", "work_items", ["state"], unique=False,
        postgresql_where=sa.text("kind IN ('train-user', 'train-community')"),
    )
    op.create_index(
        "ix_dj_feedback_user_id", "dj_feedback", ["user_id"], unique=False,
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_user_id", "jobs", ["user_id"], unique=False, postgresql_where=sa.text("user_id IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_work_items_trainings", table_name="work_items")
    op.drop_index("ix_dj_feedback_user_id", table_name="dj_feedback")
    op.drop_index("ix_jobs_user_id", table_name="jobs")
    for table in ("model_usage_days", "user_models", "personalized_users", "interactions", "interaction_events"):
        op.drop_table(table)
