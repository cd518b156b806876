-- The queue's tables. Times are milliseconds since 1970 (UTC) unless a name says otherwise.

CREATE TABLE job (
  seq         INTEGER PRIMARY KEY,
  id          BLOB    NOT NULL,               -- UUIDv7
  kind        TEXT    NOT NULL,
  title       TEXT    NOT NULL,
  spec        TEXT    NOT NULL,               -- JSON, never changed
  line        TEXT    NOT NULL,               -- JSON: name, title and weight of each step
  needs       TEXT,                           -- JSON; NULL: a slot and nothing else
  state       TEXT    NOT NULL,
  intent      TEXT    NOT NULL DEFAULT 'go',  -- go, pause, cancel, fail
  epoch       INTEGER NOT NULL DEFAULT 0,     -- grows with every claim; later writes of an older claim find nothing
  owner       BLOB,                           -- the start of the program that claimed it
  boot        TEXT,                           -- the start of the machine in which it was claimed
  priority    INTEGER NOT NULL,
  ready_at    INTEGER NOT NULL,
  rank        INTEGER NOT NULL,               -- ready_at − priority × W
  step        INTEGER NOT NULL DEFAULT 0,     -- index of the first step that is not done
  attempts    INTEGER NOT NULL DEFAULT 0,
  crashes     INTEGER NOT NULL DEFAULT 0,
  resumed     INTEGER NOT NULL DEFAULT 0,
  interrupted INTEGER NOT NULL DEFAULT 0,     -- 1: a stop of the program took it off; the next claim goes on
  active_ms   INTEGER NOT NULL DEFAULT 0,
  timer       TEXT,                           -- what due_at counts in: 'wall' or 'active'
  due_at      INTEGER,
  wait        TEXT,                           -- JSON: why it is not running
  error       TEXT,                           -- JSON
  result      TEXT,                           -- JSON
  unique_key  TEXT,
  unique_live INTEGER NOT NULL DEFAULT 0,     -- 1 while the key is taken
  batch       INTEGER,
  created_at  INTEGER NOT NULL,
  started_at  INTEGER,
  finished_at INTEGER
) STRICT;

CREATE UNIQUE INDEX job_id        ON job (id);
CREATE UNIQUE INDEX job_unique    ON job (unique_key) WHERE unique_live = 1;
CREATE INDEX        job_kind      ON job (kind, seq);
CREATE INDEX        job_batch     ON job (batch, state) WHERE batch IS NOT NULL;
-- One index for each state, because a partial index over several is not used for one of them.
CREATE INDEX        job_queued    ON job (rank, seq)   WHERE state = 'queued';
CREATE INDEX        job_running   ON job (seq)         WHERE state = 'running';
CREATE INDEX        job_waiting   ON job (seq)         WHERE state = 'waiting';
CREATE INDEX        job_paused    ON job (seq)         WHERE state = 'paused';
CREATE INDEX        job_completed ON job (seq)         WHERE state = 'completed';
CREATE INDEX        job_failed    ON job (seq)         WHERE state = 'failed';
CREATE INDEX        job_cancelled ON job (seq)         WHERE state = 'cancelled';
CREATE INDEX        job_due       ON job (timer, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX        job_finished  ON job (finished_at) WHERE finished_at IS NOT NULL;

-- A step has a row from the moment it first begins.
CREATE TABLE step (
  job         INTEGER NOT NULL,
  idx         INTEGER NOT NULL,
  name        TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  failures    INTEGER NOT NULL DEFAULT 0,     -- tries that ended in an error, since the last order to retry
  undone      INTEGER NOT NULL DEFAULT 0,     -- 1: its undo has run
  cursor      TEXT,
  output      TEXT,
  done        INTEGER NOT NULL DEFAULT 0,
  total       INTEGER,
  unit        TEXT,
  message     TEXT,
  error       TEXT,
  active_ms   INTEGER NOT NULL DEFAULT 0,
  started_at  INTEGER,
  finished_at INTEGER,
  PRIMARY KEY (job, idx)
) STRICT, WITHOUT ROWID;

-- Keys of targets that two jobs must never write at a time; held from the first step to the end of the job.
CREATE TABLE hold (
  key TEXT PRIMARY KEY,
  job INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_job ON hold (job);

CREATE TABLE batch (
  seq            INTEGER PRIMARY KEY,
  id             BLOB    NOT NULL UNIQUE,
  title          TEXT    NOT NULL,
  allow_failures INTEGER NOT NULL,
  on_then        TEXT,                        -- JSON: a job to add
  on_catch       TEXT,
  on_finally     TEXT,
  then_at        INTEGER,                     -- all children had completed, and on_then was added
  caught_at      INTEGER,                     -- a child had failed, and on_catch was added
  settled_at     INTEGER,                     -- all children had ended, and on_finally was added
  created_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE schedule (
  name    TEXT PRIMARY KEY,
  cron    TEXT    NOT NULL,
  zone    TEXT    NOT NULL,
  draft   TEXT    NOT NULL,                   -- JSON: the job to add
  enabled INTEGER NOT NULL DEFAULT 1,
  next_at INTEGER NOT NULL,
  last_at INTEGER
) STRICT, WITHOUT ROWID;

-- What happened, in the order of commits.
CREATE TABLE event (
  seq  INTEGER PRIMARY KEY,
  at   INTEGER NOT NULL,
  job  INTEGER NOT NULL,
  name TEXT    NOT NULL,
  step INTEGER,
  data TEXT                                   -- JSON
) STRICT;

CREATE TABLE setting (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
