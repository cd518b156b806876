use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{Cell, Tables};
use crate::Result;

/// Passes statements on, and notes which tables they write.
pub struct Noted<'a> {
    tables: &'a mut dyn Tables,
    names: Vec<String>,
    written: BTreeSet<String>,
}

impl<'a> Noted<'a> {
    /// Notes what is written through `tables` from now on.
    pub async fn new(tables: &'a mut dyn Tables) -> Result<Self> {
        let names = tables.names().await?;
        Ok(Self { tables, names, written: BTreeSet::new() })
    }

    /// The tables that a statement was run on. Of a statement that names none that is known, all of them.
    pub fn written(self) -> BTreeSet<String> {
        self.written
    }
}

#[async_trait]
impl Tables for Noted<'_> {
    async fn execute(&mut self, sql: &str, parameters: &[Cell]) -> Result<u64> {
        // Servers differ in whether upper and lower case are one.
        let folded = sql.to_lowercase();
        let named = self.names.iter().filter(|name| folded.contains(&format!("`{}`", name.to_lowercase())));
        let named: Vec<String> = named.cloned().collect();
        self.written.extend(if named.is_empty() { self.names.clone() } else { named });
        self.tables.execute(sql, parameters).await
    }

    async fn query(&mut self, sql: &str, parameters: &[Cell]) -> Result<Vec<Vec<Cell>>> {
        self.tables.query(sql, parameters).await
    }

    async fn names(&mut self) -> Result<Vec<String>> {
        Ok(self.names.clone())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[tokio::test]
    async fn the_tables_that_are_written_are_noted_and_all_where_it_is_not_plain_which() {
        let mut database = Connection::open_in_memory().unwrap();
        database
            .execute_batch(
                "CREATE TABLE wp_options (id, name); CREATE TABLE wp_users (id); CREATE TABLE wp_posts (id)",
            )
            .unwrap();
        let mut noted = Noted::new(&mut database).await.unwrap();
        noted.query("SELECT id FROM `wp_posts`", &[]).await.unwrap();
        noted.execute("UPDATE `WP_options` SET name = 1", &[]).await.unwrap();
        assert_eq!(noted.written().into_iter().collect::<Vec<_>>(), ["wp_options"]);

        let mut noted = Noted::new(&mut database).await.unwrap();
        noted.execute("DELETE FROM wp_users", &[]).await.unwrap();
        assert_eq!(noted.written().len(), 3);
    }
}
