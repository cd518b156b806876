//! The same work with huey on SQLite, for comparison.

use std::process::Command;

const SCRIPT: &str = r"
import sys, time, threading
from huey import SqliteHuey
huey = SqliteHuey(filename=sys.argv[1], fsync=True, results=False)
done = threading.Semaphore(0)
@huey.task()
def nothing():
    done.release()
N = 2000
began = time.time()
for _ in range(N):
    nothing()
consumer = huey.create_consumer(workers=4, worker_type='thread', initial_delay=0.001, backoff=1.0, max_delay=0.001)
consumer.start()
for _ in range(N):
    done.acquire()
print(N / (time.time() - began))
import os
sys.stdout.flush()
os._exit(0)
";

/// Jobs a second with four threads, or `None` where there is no Python with huey.
pub fn rate(dir: &tempfile::TempDir) -> Option<f64> {
    let file = dir.path().join("huey.db");
    let out = Command::new("python3").args(["-c", SCRIPT, &file.display().to_string()]).output().ok()?;
    String::from_utf8_lossy(&out.stdout).trim().parse().ok()
}
