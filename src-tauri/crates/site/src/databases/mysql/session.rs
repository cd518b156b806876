use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder, Params, Row, Statement, TextProtocol, Value};

use super::error::{When, problem, too_large};
use super::quote;
use crate::databases::{DatabaseAddress, Server};
use crate::{Problem, Result, Secret};

/// How long a server may take to greet.
const GREETING: Duration = Duration::from_secs(20);

/// How to reach a server as somebody.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    server: Server,
    user: String,
    secret: Secret,
}

/// Bytes that are sent or read in one packet, where a row or a value can be divided; well below what any server takes. The driver keeps the
/// memory of up to 128 packets for as long as the program runs, of each as much as the largest that was in it took.
pub(super) const PACKET: usize = 48 << 10;

/// Prepared statements that a session keeps, the last ones.
pub(super) const STATEMENTS: usize = 24;

/// What a session may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// Every transaction of the session is read-only, and the server enforces it.
    Read,
    /// Writes with READ COMMITTED, so that a statement which reads one table to fill another locks no row that it reads.
    Write,
}

/// What is sent to a server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// Text in UTF-8.
    Text,
    /// Bytes of any column's own character set. The server looks at text character by character before it does with a column; bytes cost
    /// it less.
    Bytes,
}

/// One conversation with a server. Text comes as the bytes that the server stores, times are UTC, foreign keys are not followed.
pub(super) struct Session {
    conn: Conn,
    at: String,
    /// Whether the server takes LOAD DATA LOCAL.
    pub loads: bool,
    /// Bytes that the server takes in one piece.
    pub packet: usize,
    /// What the server takes statements and values for.
    sent: Sent,
}

/// What a statement did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub affected: u64,
    pub warnings: u16,
}

impl Login {
    pub(super) fn new(address: &DatabaseAddress, secret: &Secret) -> Result<(Self, String)> {
        match address {
            DatabaseAddress::Mysql { server, user, name } => {
                let login = Self { server: server.clone(), user: user.clone(), secret: secret.clone() };
                Ok((login, name.clone()))
            }
            DatabaseAddress::Sqlite { .. } => Err(Problem::permanent(
                "database.kinds",
                format!("{address} is not a database of a MariaDB or MySQL server."),
            )),
        }
    }

    /// The address of a database reached by this login.
    pub(super) fn address(&self, name: &str) -> DatabaseAddress {
        DatabaseAddress::Mysql { server: self.server.clone(), user: self.user.clone(), name: name.to_owned() }
    }

    /// Opens a session in the database `name`, or in none when it is empty.
    pub(super) async fn open(&self, name: &str, mode: Mode) -> Result<Session> {
        let at = self.address(name).to_string();
        let user =
            if self.user.is_empty() { std::env::var("USER").unwrap_or_default() } else { self.user.clone() };
        let mut opts = OptsBuilder::default()
            .user(Some(user))
            .pass((!self.secret.is_empty()).then(|| self.secret.reveal().to_owned()))
            .db_name((!name.is_empty()).then(|| name.to_owned()))
            .prefer_socket(false)
            .tcp_keepalive(Some(Duration::from_secs(30)))
            // A server takes no more than its own limit, but gives what it has.
            .max_allowed_packet(Some(1 << 30))
            .stmt_cache_size(STATEMENTS);
        opts = match &self.server {
            Server::Tcp { host, port } if host == "localhost" && *port == 3306 => match usual_socket() {
                Some(path) => opts.socket(Some(path)),
                None => opts.ip_or_hostname(host.clone()).tcp_port(*port),
            },
            Server::Tcp { host, port } => opts.ip_or_hostname(host.clone()).tcp_port(*port),
            Server::Tls { host, port, ca } => opts
                .ip_or_hostname(host.clone())
                .tcp_port(*port)
                .ssl_opts(Some(super::tls::trust(ca.as_deref())?)),
            Server::Socket { path } => opts.socket(Some(path.display().to_string())),
        };
        let conn = tokio::time::timeout(GREETING, Conn::new(Opts::from(opts)))
            .await
            .map_err(|_| {
                Problem::transient("database.down", format!("The database server at {at} does not answer."))
                    .help("Look whether the server is overloaded or a firewall is in between.")
            })?
            .map_err(|error| problem(error, &at, When::Opening))?;
        let mut session = Session { conn, at, loads: false, packet: usize::MAX, sent: Sent::Text };
        session
            .run(
                "SET NAMES utf8mb4, character_set_results = NULL, time_zone = '+00:00', foreign_key_checks = 0, \
                 sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', wait_timeout = 28800, \
                 net_write_timeout = 600, net_read_timeout = 600, sql_quote_show_create = 1",
            )
            .await?;
        if let Some(row) = session.first("SELECT @@local_infile, @@max_allowed_packet").await? {
            session.loads = row.number(0) == 1;
            session.packet = usize::try_from(row.number(1)).unwrap_or(usize::MAX);
        }
        // Absent where the server has no such limit, and then none is in force.
        let _ = session.run("SET max_statement_time = 0").await;
        // Rows that came into the source before a constraint did are in the copy as well.
        let _ = session.run("SET check_constraint_checks = 0").await;
        session
            .run(match mode {
                Mode::Read => "SET SESSION TRANSACTION READ ONLY, ISOLATION LEVEL REPEATABLE READ",
                Mode::Write => "SET SESSION TRANSACTION READ WRITE, ISOLATION LEVEL READ COMMITTED",
            })
            .await?;
        Ok(session)
    }
}

/// Where distributions put the socket: `localhost` means it, to PHP as to every client.
fn usual_socket() -> Option<String> {
    ["/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
        .map(ToOwned::to_owned)
}

impl Session {
    /// Runs a statement whose rows, if any, do not matter.
    pub(super) async fn run(&mut self, sql: impl AsRef<[u8]>) -> Result<Done> {
        self.say(Sent::Text).await?;
        self.run_as_said(sql).await
    }

    async fn run_as_said(&mut self, sql: impl AsRef<[u8]>) -> Result<Done> {
        let at = &self.at;
        let wrong = |error| problem(error, at, When::Working);
        let answer = self.conn.query_iter(sql.as_ref()).await.map_err(wrong)?;
        let done = Done { affected: answer.affected_rows(), warnings: answer.warnings() };
        answer.drop_result().await.map_err(wrong)?;
        Ok(done)
    }

    /// All rows of a short answer.
    pub(super) async fn rows(&mut self, sql: impl AsRef<[u8]>) -> Result<Vec<Cells>> {
        self.say(Sent::Text).await?;
        let at = &self.at;
        let rows: Vec<Row> =
            self.conn.query(sql.as_ref()).await.map_err(|error| problem(error, at, When::Working))?;
        Ok(rows.into_iter().map(Cells::from).collect())
    }

    /// The first row of an answer.
    pub(super) async fn first(&mut self, sql: impl AsRef<[u8]>) -> Result<Option<Cells>> {
        Ok(self.rows(sql).await?.into_iter().next())
    }

    /// The first cell of the first row as text; empty where there is none.
    pub(super) async fn text(&mut self, sql: impl AsRef<[u8]>) -> Result<String> {
        Ok(self.first(sql).await?.map(|row| row.text(0)).unwrap_or_default())
    }

    /// Whether the server has a database of this name, as far as its user sees.
    pub(super) async fn has_database(&mut self, name: &str) -> Result<bool> {
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name={}",
            quote::text(name)
        );
        Ok(self.number(sql).await? > 0)
    }

    /// The first cell of the first row as a number.
    pub(super) async fn number(&mut self, sql: impl AsRef<[u8]>) -> Result<u64> {
        Ok(self.first(sql).await?.map(|row| row.number(0)).unwrap_or_default())
    }

    /// A long answer, row by row.
    pub(super) async fn stream(&mut self, sql: String) -> Result<Stream<'_>> {
        self.say(Sent::Text).await?;
        let at = self.at.as_str();
        let answer = self.conn.query_iter(sql).await.map_err(|error| problem(error, at, When::Working))?;
        Ok(Stream { answer, at })
    }

    /// Has the server prepare a statement, whose values will come as bytes. It keeps the last ones.
    pub(super) async fn prepare(&mut self, sql: String) -> Result<Statement> {
        self.say(Sent::Bytes).await?;
        self.conn.prep(sql).await.map_err(|error| problem(error, &self.at, When::Working))
    }

    /// Runs a prepared statement; answers how many rows it changed.
    pub(super) async fn put<'c>(
        &mut self,
        statement: &Statement,
        cells: impl Iterator<Item = Option<&'c [u8]>>,
    ) -> Result<u64> {
        let mut bytes = 0;
        let value = |cell: Option<&[u8]>| {
            bytes += cell.map_or(0, <[u8]>::len);
            cell.map_or(Value::NULL, |cell| Value::Bytes(cell.to_vec()))
        };
        let values = Params::Positional(cells.map(value).collect());
        self.fits(bytes)?;
        self.say(Sent::Bytes).await?;
        let at = &self.at;
        let wrong = |error| problem(error, at, When::Working);
        let answer = self.conn.exec_iter(statement, values).await.map_err(wrong)?;
        let affected = answer.affected_rows();
        answer.drop_result().await.map_err(wrong)?;
        Ok(affected)
    }

    /// Has the server keep a long value as bytes in a variable. It goes there in packets: as one it would be in memory several times over.
    pub(super) async fn keep(&mut self, variable: &str, value: &[u8]) -> Result<()> {
        self.fits(value.len())?;
        self.run(format!("SET {variable} = CAST('' AS BINARY)")).await?;
        let add = self.prepare("SET @part = CONCAT(@part, ?)".to_owned()).await?;
        // To add a packet, the server copies what it has: of a part, since of the whole that would be many times as much. Parts of this
        // size make both the least.
        for part in value.chunks((value.len() * PACKET).isqrt()) {
            self.run("SET @part = CAST('' AS BINARY)").await?;
            for packet in part.chunks(PACKET) {
                self.put(&add, std::iter::once(Some(packet))).await?;
            }
            self.run(format!("SET {variable} = CONCAT({variable}, @part), @part = NULL")).await?;
        }
        let kept = self.number(format!("SELECT LENGTH({variable})")).await?;
        if kept != value.len() as u64 {
            let at = &self.at;
            let message = format!("The server at {at} kept {kept} bytes of a value of {}.", value.len());
            return Err(Problem::transient("database.gone", message));
        }
        Ok(())
    }

    /// Whether the server takes so many bytes as one row.
    fn fits(&self, bytes: usize) -> Result<()> {
        if bytes <= self.packet {
            return Ok(());
        }
        let why = format!("it has {bytes} bytes, and max_allowed_packet is {}", self.packet);
        Err(too_large(&self.at, &why).with("database", &self.at))
    }

    /// Tells the server what is sent from now on, unless it knows.
    async fn say(&mut self, sent: Sent) -> Result<()> {
        if self.sent != sent {
            self.run_as_said(match sent {
                Sent::Text => "SET character_set_client = utf8mb4",
                Sent::Bytes => "SET character_set_client = binary",
            })
            .await?;
            self.sent = sent;
        }
        Ok(())
    }

    /// Runs a LOAD DATA LOCAL that reads these packets.
    pub(super) async fn load(
        &mut self,
        sql: String,
        packets: impl Iterator<Item = Bytes> + Send + Sync + 'static,
    ) -> Result<Done> {
        self.conn.set_infile_handler(async move { Ok(futures::stream::iter(packets.map(Ok)).boxed()) });
        self.run(sql).await
    }

    /// The connection itself, for whoever asks it in words of their own.
    pub(super) fn into_conn(self) -> Conn {
        self.conn
    }

    /// Ends the conversation politely.
    pub(super) async fn close(self) {
        let _ = self.conn.disconnect().await;
    }
}

/// The rows of a long answer as they come.
pub(super) struct Stream<'a> {
    answer: mysql_async::QueryResult<'a, 'static, TextProtocol>,
    at: &'a str,
}

impl Stream<'_> {
    /// The next row as the driver has it.
    pub(super) async fn row(&mut self) -> Result<Option<Row>> {
        self.answer.next().await.map_err(|error| problem(error, self.at, When::Working))
    }
}

/// A row as the server sent it: bytes or NULL a cell.
#[derive(Debug)]
pub(super) struct Cells(pub Vec<Option<Vec<u8>>>);

impl From<Row> for Cells {
    fn from(row: Row) -> Self {
        Self(
            row.unwrap()
                .into_iter()
                .map(|value| match value {
                    Value::NULL => None,
                    Value::Bytes(bytes) => Some(bytes),
                    // The text protocol knows bytes alone.
                    other => Some(other.as_sql(true).into_bytes()),
                })
                .collect(),
        )
    }
}

impl Cells {
    pub(super) fn bytes(&self, at: usize) -> Option<&[u8]> {
        self.0.get(at)?.as_deref()
    }

    pub(super) fn text(&self, at: usize) -> String {
        self.bytes(at).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
    }

    pub(super) fn maybe_text(&self, at: usize) -> Option<String> {
        self.bytes(at).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// A whole number; 0 for NULL and for what is none.
    pub(super) fn number(&self, at: usize) -> u64 {
        self.bytes(at).and_then(|bytes| std::str::from_utf8(bytes).ok()?.parse().ok()).unwrap_or_default()
    }
}
