//! How the database answers the questions of every turn.

use clonedeck_queue::plans;
use clonedeck_store::rusqlite::params_from_iter;

use crate::database;
use crate::toys::{quick, toys};

#[test]
fn the_claim_reads_the_line_from_its_index_and_sorts_nothing() {
    let (dir, _, queue) = toys(quick());
    drop(queue);
    let db = database(dir.path());
    let plan = |sql: &str| -> String {
        let mut query = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let nothing = vec![None::<i64>; query.parameter_count()];
        let rows = query.query_map(params_from_iter(nothing), |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    for (sql, index) in [
        (plans::CANDIDATES, "job_queued"),
        (plans::EARLIEST, "job_due"),
        ("SELECT seq, intent FROM job WHERE state = 'running' AND intent <> 'go'", "job_running"),
        ("SELECT seq FROM job WHERE state = 'failed' ORDER BY seq DESC LIMIT 51", "job_failed"),
        ("SELECT seq FROM job WHERE state = 'completed' ORDER BY seq DESC LIMIT 51", "job_completed"),
        ("SELECT seq FROM job WHERE kind = 'toy' ORDER BY seq DESC LIMIT 51", "job_kind"),
        ("SELECT count(*) FROM job WHERE finished_at IS NOT NULL", "job_finished"),
    ] {
        let plan = plan(sql);
        assert!(plan.contains(index), "{sql}\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
    }
}
