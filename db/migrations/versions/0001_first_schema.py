"""First schema

Revision ID: 0001
Revises: 
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0001'
down_revision = None


def upgrade() -> None:

    op.create_table('tracks',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('spotify_id', sa.Text(), nullable=True),
    sa.Column('isrc', sa.Text(), nullable=True),
    sa.Column('identity_key', sa.Text(), nullable=False),
    sa.Column('artist', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('album', sa.Text(), nullable=True),
    sa.Column('genres', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('duration_ms', sa.Integer(), nullable=True),
    sa.Column('release_year', sa.SmallInteger(), nullable=True),
    sa.Column('explicit', sa.Boolean(), nullable=True),
    sa.Column('popularity', sa.SmallInteger(), nullable=True),
    sa.Column('audio_uri', sa.Text(), nullable=True),
    sa.Column('feature_sources', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('external_metadata', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('danceability', sa.REAL(), nullable=True),
    sa.Column('energy', sa.REAL(), nullable=True),
    sa.Column('valence', sa.REAL(), nullable=True),
    sa.Column('acousticness', sa.REAL(), nullable=True),
    sa.Column('instrumentalness', sa.REAL(), nullable=True),
    sa.Column('liveness', sa.REAL(), nullable=True),
    sa.Column('speechiness', sa.REAL(), nullable=True),
    sa.Column('tempo', sa.REAL(), nullable=True),
    sa.Column('loudness', sa.REAL(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tracks')),
    postgresql_with={'fillfactor': 45}
    )
    op.create_index(op.f('ix_tracks_identity_key'), 'tracks', ['identity_key'], unique=False)
    op.create_index('ix_tracks_isrc', 'tracks', ['isrc'], unique=False, postgresql_where=sa.text('isrc IS NOT NULL'))
    op.create_index('uq_tracks_spotify_id', 'tracks', ['spotify_id'], unique=True, postgresql_where=sa.text('spotify_id IS NOT NULL'))
    op.create_table('users',
    sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users'))
    )
    op.create_table('worker_heartbeats',
    sa.Column('worker', sa.Text(), nullable=False),
    sa.Column('queues', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('pid', sa.Integer(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('beat_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('worker', name=op.f('pk_worker_heartbeats'))
    )
    op.create_table('jobs',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=True),
    sa.Column('params', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('summary', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('unique_key', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_jobs_user_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_jobs'))
    )
    op.create_index('ix_jobs_live', 'jobs', ['id'], unique=False, postgresql_where=sa.text('finished_at IS NULL'))
    op.create_index('uq_jobs_live', 'jobs', ['kind', 'unique_key'], unique=True, postgresql_where=sa.text('finished_at IS NULL'))
    op.create_table('playlists',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('user_id', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_playlists_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_playlists')),
    sa.UniqueConstraint('user_id', 'name', name=op.f('uq_playlists_user_id_name'))
    )
    op.create_table('track_estimates',
    sa.Column('track_id', sa.BigInteger(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('confidence', sa.REAL(), nullable=True),
    sa.Column('model_version', sa.Text(), nullable=True),
    sa.Column('evidence', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('revision', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('danceability', sa.REAL(), nullable=True),
    sa.Column('energy', sa.REAL(), nullable=True),
    sa.Column('valence', sa.REAL(), nullable=True),
    sa.Column('acousticness', sa.REAL(), nullable=True),
    sa.Column('instrumentalness', sa.REAL(), nullable=True),
    sa.Column('liveness', sa.REAL(), nullable=True),
    sa.Column('speechiness', sa.REAL(), nullable=True),
    sa.Column('tempo', sa.REAL(), nullable=True),
    sa.Column('loudness', sa.REAL(), nullable=True),
    sa.Column('danceability_uncertainty', sa.REAL(), nullable=True),
    sa.Column('energy_uncertainty', sa.REAL(), nullable=True),
    sa.Column('valence_uncertainty', sa.REAL(), nullable=True),
    sa.Column('acousticness_uncertainty', sa.REAL(), nullable=True),
    sa.Column('instrumentalness_uncertainty', sa.REAL(), nullable=True),
    sa.Column('liveness_uncertainty', sa.REAL(), nullable=True),
    sa.Column('speechiness_uncertainty', sa.REAL(), nullable=True),
    sa.Column('tempo_uncertainty', sa.REAL(), nullable=True),
    sa.Column('loudness_uncertainty', sa.REAL(), nullable=True),
    sa.ForeignKeyConstraint(['track_id'], ['tracks.id'], name=op.f('fk_track_estimates_track_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('track_id', 'source', name=op.f('pk_track_estimates'))
    )
    op.create_table('playlist_tracks',
    sa.Column('playlist_id', sa.BigInteger(), nullable=False),
    sa.Column('track_id', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['playlist_id'], ['playlists.id'], name=op.f('fk_playlist_tracks_playlist_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['track_id'], ['tracks.id'], name=op.f('fk_playlist_tracks_track_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('playlist_id', 'track_id', name=op.f('pk_playlist_tracks'))
    )
    op.create_index(op.f('ix_playlist_tracks_track_id'), 'playlist_tracks', ['track_id'], unique=False)
    op.create_table('work_items',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('job_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('stage', sa.SmallInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('size', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('attempts', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('losses', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('fence', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('next_run_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('dispatched_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('worker', sa.Text(), nullable=True),
    sa.Column('error_code', sa.Text(), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('waiting', 'queued', 'running', 'done', 'failed', 'cancelled', 'quarantined')", name=op.f('ck_work_items_state')),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], name=op.f('fk_work_items_job_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_items'))
    )
    op.create_index('ix_work_items_due', 'work_items', ['kind', 'next_run_at'], unique=False, postgresql_where=sa.text("state = 'queued'"))
    op.create_index('ix_work_items_job_id_state', 'work_items', ['job_id', 'state'], unique=False)
    op.create_index('ix_work_items_leases', 'work_items', ['lease_until'], unique=False, postgresql_where=sa.text("state = 'running'"))
    op.create_index('ix_work_items_live', 'work_items', ['job_id', 'stage'], unique=False, postgresql_where=sa.text("state IN ('waiting', 'queued', 'running')"))
    op.create_index('ix_work_items_trouble', 'work_items', ['state', 'id'], unique=False, postgresql_where=sa.text("state IN ('failed', 'quarantined')"))
    op.create_table('attempts',
    sa.Column('work_item_id', sa.BigInteger(), nullable=False),
    sa.Column('fence', sa.Integer(), nullable=False),
    sa.Column('worker', sa.Text(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.Column('error_code', sa.Text(), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['work_item_id'], ['work_items.id'], name=op.f('fk_attempts_work_item_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('work_item_id', 'fence', name=op.f('pk_attempts'))
    )
    op.create_table('live_targets',
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('target', sa.BigInteger(), nullable=False),
    sa.Column('work_item_id', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['work_item_id'], ['work_items.id'], name=op.f('fk_live_targets_work_item_id'), ondelete='CASCADE', initially='DEFERRED', deferrable=True),
    sa.PrimaryKeyConstraint('kind', 'version', 'target', name=op.f('pk_live_targets'))
    )
    op.create_index(op.f('ix_live_targets_work_item_id'), 'live_targets', ['work_item_id'], unique=False)



def downgrade() -> None:

    op.drop_index(op.f('ix_live_targets_work_item_id'), table_name='live_targets')
    op.drop_table('live_targets')
    op.drop_table('attempts')
    op.drop_index('ix_work_items_trouble', table_name='work_items', postgresql_where=sa.text("state IN ('failed', 'quarantined')"))
    op.drop_index('ix_work_items_live', table_name='work_items', postgresql_where=sa.text("state IN ('waiting', 'queued', 'running')"))
    op.drop_index('ix_work_items_leases', table_name='work_items', postgresql_where=sa.text("state = 'running'"))
    op.drop_index('ix_work_items_job_id_state', table_name='work_items')
    op.drop_index('ix_work_items_due', table_name='work_items', postgresql_where=sa.text("state = 'queued'"))
    op.drop_table('work_items')
    op.drop_index(op.f('ix_playlist_tracks_track_id'), table_name='playlist_tracks')
    op.drop_table('playlist_tracks')
    op.drop_table('track_estimates')
    op.drop_table('playlists')
    op.drop_index('uq_jobs_live', table_name='jobs', postgresql_where=sa.text('finished_at IS NULL'))
    op.drop_index('ix_jobs_live', table_name='jobs', postgresql_where=sa.text('finished_at IS NULL'))
    op.drop_table('jobs')
    op.drop_table('worker_heartbeats')
    op.drop_table('users')
    op.drop_index('uq_tracks_spotify_id', table_name='tracks', postgresql_where=sa.text('spotify_id IS NOT NULL'))
    op.drop_index('ix_tracks_isrc', table_name='tracks', postgresql_where=sa.text('isrc IS NOT NULL'))
    op.drop_index(op.f('ix_tracks_identity_key'), table_name='tracks')
    op.drop_table('tracks')

