-- Numbers of which each is somebody's alone, such as ports. A lease outlives the program; it ends when it is given back.
CREATE TABLE lease (
  pool      TEXT    NOT NULL,                  -- what the numbers are: 'port'
  number    INTEGER NOT NULL,
  holder    TEXT    NOT NULL,                  -- whose it is; one lease a pool
  leased_at INTEGER NOT NULL,
  PRIMARY KEY (pool, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX lease_holder ON lease (pool, holder);
