use super::account::{self, JOB, MADE};
use super::dialect::Product;
use super::quote;
use super::session::{Login, Mode, Session};
use super::source::{self, Source};
use crate::databases::{Count, DatabaseAddress, Occupied};
use crate::{Level, Problem, Result, Secret, Watch};

/// The database that a job writes: one that the job made, or one that was empty or set aside.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(super) login: Login,
    pub(super) name: String,
    pub(super) job: String,
    pub(super) product: Product,
    /// Whether it is on the source's own server, and its user can read the source.
    pub(super) beside: bool,
}

impl Target {
    pub(crate) async fn prepare(
        source: &Source,
        address: &DatabaseAddress,
        secret: &Secret,
        job: &str,
        occupied: Occupied,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let (login, name) = Login::new(address, secret)?;
        source::refuse_own(&name)?;
        let mut session = login.open("", Mode::Write).await?;
        let product = Product::of(&mut session).await?;
        let same_server = same_server(source, &mut session).await?;
        if same_server && same_name(&mut session, &source.name, &name).await? {
            return Err(Problem::permanent(
                "target.is-source",
                format!("The database {address} is the source itself."),
            )
            .help("Give the copy another database."));
        }
        let there = session.has_database(&name).await?;
        let mut target = Self { login, name, job: job.to_owned(), product, beside: false };
        if there {
            match target.owner(&mut session).await? {
                Some(owner) if owner == job => {
                    end_earlier_work(&mut session, &target.name).await?;
                    session.run(format!("USE {}", quote::name(&target.name))).await?;
                    account::open(&mut session).await?;
                }
                Some(_) => {
                    return Err(Problem::permanent(
                        "target.busy",
                        format!("The database {} is being made by another job.", target.name),
                    )
                    .help("Give the copy another database, or let the other job end."));
                }
                None => target.adopt(&mut session, occupied, watch).await?,
            }
        } else {
            target.create(source, &mut session).await?;
        }
        target.beside = same_server && reads(&mut session, &source.name).await?;
        session.close().await;
        Ok(target)
    }

    /// Opens what [`Target::prepare`] prepared.
    pub(crate) async fn open(
        source: &Source,
        address: &DatabaseAddress,
        secret: &Secret,
        job: &str,
    ) -> Result<Self> {
        let (login, name) = Login::new(address, secret)?;
        let mut session = login.open(&name, Mode::Write).await?;
        let product = Product::of(&mut session).await?;
        let mut target = Self { login, name, job: job.to_owned(), product, beside: false };
        target.must_own(&mut session).await?;
        end_earlier_work(&mut session, &target.name).await?;
        target.beside = same_server(source, &mut session).await? && reads(&mut session, &source.name).await?;
        session.close().await;
        Ok(target)
    }

    /// Opens a copy that is no job's any more, to be read.
    pub(crate) async fn finished(address: &DatabaseAddress, secret: &Secret) -> Result<Self> {
        let (login, name) = Login::new(address, secret)?;
        let mut session = login.open(&name, Mode::Read).await?;
        let product = Product::of(&mut session).await?;
        session.close().await;
        Ok(Self { login, name, job: String::new(), product, beside: false })
    }

    pub(super) async fn session(&self) -> Result<Session> {
        self.login.open(&self.name, Mode::Write).await
    }

    /// Whose account is in the database.
    pub(super) async fn owner(&self, session: &mut Session) -> Result<Option<String>> {
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema={} AND table_name='{JOB}'",
            quote::text(&self.name)
        );
        if session.number(sql).await? > 0 {
            let owner =
                session.text(format!("SELECT job FROM {} LIMIT 1", quote::table(&self.name, JOB))).await?;
            // An account without an owner was begun and nothing else: whoever comes next may have it.
            return Ok((!owner.is_empty()).then_some(owner));
        }
        Ok(None)
    }

    pub(super) async fn must_own(&self, session: &mut Session) -> Result<()> {
        match self.owner(session).await? {
            Some(owner) if owner == self.job => Ok(()),
            _ => Err(Problem::permanent(
                "target.not-ours",
                format!("The database {} was not made by this job.", self.name),
            )
            .help("Nothing in it was touched.")),
        }
    }

    async fn create(&self, source: &Source, session: &mut Session) -> Result<()> {
        let mut reading = source.session().await?;
        let row = reading
            .first(format!(
                "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name={}",
                quote::text(&source.name)
            ))
            .await?;
        reading.close().await;
        let defaults = row
            .map(|row| format!(" CHARACTER SET {} COLLATE {}", row.text(0), row.text(1)))
            .unwrap_or_default();
        let (defaults, _) = super::dialect::adapt(&defaults, &source.product, &self.product);
        // The comment says whose the database is until the account in it does; servers that know none lose only that instant.
        session
            .run(format!(
                "CREATE DATABASE {}{defaults} /*M!100500 COMMENT {} */",
                quote::name(&self.name),
                quote::text(&comment(&self.job))
            ))
            .await?;
        self.mark(session, true, "").await
    }

    async fn mark(&self, session: &mut Session, made: bool, aside: &str) -> Result<()> {
        session.run(format!("USE {}", quote::name(&self.name))).await?;
        account::open(session).await?;
        session
            .run(format!(
                "INSERT INTO `{JOB}` (job, made_database, aside, step) VALUES ({}, {}, {}, '')",
                quote::text(&self.job),
                u8::from(made),
                quote::text(aside)
            ))
            .await?;
        Ok(())
    }

    /// Takes a database that is there.
    async fn adopt(&self, session: &mut Session, occupied: Occupied, watch: &dyn Watch) -> Result<()> {
        let made = self.is_commented(session).await?;
        let held = source::survey(session, &self.name, &self.product, Count::Estimate, watch).await?;
        if held.is_empty() {
            return self.mark(session, made, "").await;
        }
        match occupied {
            Occupied::Refuse => Err(Problem::permanent(
                "target.not-empty",
                format!(
                    "The database {} already holds {} tables.",
                    self.name,
                    held.tables.len() + held.views.len()
                ),
            )
            .help("Give the copy another database, or say that the old content may be set aside (--replace).")
            .with("database", &self.name)),
            Occupied::SetAside => {
                let aside = super::aside::set_aside(session, &self.name, &self.job).await?;
                watch.note(Level::Info, &format!("the old content of {} is set aside in {aside}", self.name));
                self.mark(session, false, &aside).await
            }
        }
    }

    /// Takes the account away: the copy is the operator's now.
    pub(crate) async fn finish(&self) -> Result<()> {
        let mut session = self.session().await?;
        self.must_own(&mut session).await?;
        // The owner goes last, so that a stop in between leaves the account ours.
        for table in [account::UNSAFE, account::RANGE, MADE, JOB] {
            session.run(format!("DROP TABLE IF EXISTS `{table}`")).await?;
        }
        session.close().await;
        Ok(())
    }

    /// Takes back what the job made and nothing else; harmless where it made nothing.
    pub(crate) async fn undo(
        address: &DatabaseAddress,
        secret: &Secret,
        job: &str,
        watch: &dyn Watch,
    ) -> Result<()> {
        let (target, mut session) = Self::reach(address, secret, job).await?;
        if !session.has_database(&target.name).await? {
            return super::aside::put_back_orphan(&mut session, &target.name, job).await;
        }
        if target.owner(&mut session).await?.as_deref() != Some(job) {
            if target.is_commented(&mut session).await?
                && !super::aside::holds_tables(&mut session, &target.name).await?
            {
                session.run(format!("DROP DATABASE {}", quote::name(&target.name))).await?;
                return Ok(());
            }
            return super::aside::put_back_orphan(&mut session, &target.name, job).await;
        }
        end_earlier_work(&mut session, &target.name).await?;
        let row = session
            .first(format!("SELECT made_database, aside FROM {}", quote::table(&target.name, JOB)))
            .await?;
        let (made, aside) = row.map(|row| (row.number(0) == 1, row.text(1))).unwrap_or_default();
        if made {
            session.run(format!("DROP DATABASE {}", quote::name(&target.name))).await?;
        } else {
            session.run(format!("USE {}", quote::name(&target.name))).await?;
            target.drop_made(&mut session).await?;
            if !aside.is_empty() {
                watch.note(Level::Info, &format!("the old content of {} is put back", target.name));
            }
            for table in [account::UNSAFE, account::RANGE, MADE] {
                session.run(format!("DROP TABLE IF EXISTS `{table}`")).await?;
            }
            if !aside.is_empty() {
                super::aside::put_back(&mut session, &target.name, &aside).await?;
            }
            session.run(format!("DROP TABLE IF EXISTS `{JOB}`")).await?;
        }
        session.close().await;
        Ok(())
    }

    /// Whether the server says of the database that this job made it. One that knows no such comments misses the column.
    async fn is_commented(&self, session: &mut Session) -> Result<bool> {
        if !self.product.mariadb {
            return Ok(false);
        }
        let sql = format!(
            "SELECT schema_comment FROM information_schema.schemata WHERE schema_name={}",
            quote::text(&self.name)
        );
        match session.text(sql).await {
            // What a column that is not there is told as.
            Err(problem) if problem.code == "source.changed" => Ok(false),
            text => Ok(text? == comment(&self.job)),
        }
    }

    /// Reaches a database by its address, whoever made it.
    pub(super) async fn reach(
        address: &DatabaseAddress,
        secret: &Secret,
        job: &str,
    ) -> Result<(Self, Session)> {
        let (login, name) = Login::new(address, secret)?;
        let mut session = login.open("", Mode::Write).await?;
        let product = Product::of(&mut session).await?;
        Ok((Self { login, name, job: job.to_owned(), product, beside: false }, session))
    }

    async fn drop_made(&self, session: &mut Session) -> Result<()> {
        let there = session
            .number(format!(
                "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema={} AND table_name='{MADE}'",
                quote::text(&self.name)
            ))
            .await?;
        if there == 0 {
            return Ok(());
        }
        for kind in [
            "EVENT",
            "TRIGGER",
            "VIEW",
            "PACKAGE BODY",
            "PACKAGE",
            "PROCEDURE",
            "FUNCTION",
            "TABLE",
            "SEQUENCE",
        ] {
            for (name, _) in account::made(session, kind).await? {
                super::programs::drop(session, kind, &name).await?;
            }
        }
        Ok(())
    }
}

fn comment(job: &str) -> String {
    format!("made by Clonedeck, job {job}")
}

/// Whether both are one server: a named lock taken in one session is seen in the other, with its holder.
async fn same_server(source: &Source, session: &mut Session) -> Result<bool> {
    let mut reading = source.session().await?;
    let own = reading.number("SELECT CONNECTION_ID()").await?;
    let lock = quote::text(&format!("clonedeck-{own}-{}", std::process::id()));
    let taken = reading.number(format!("SELECT GET_LOCK({lock}, 5)")).await? == 1;
    let holder = session.number(format!("SELECT IS_USED_LOCK({lock})")).await?;
    reading.run(format!("SELECT RELEASE_LOCK({lock})")).await?;
    reading.close().await;
    Ok(taken && holder == own)
}

async fn same_name(session: &mut Session, one: &str, other: &str) -> Result<bool> {
    let folded = session.number("SELECT @@lower_case_table_names").await? != 0;
    Ok(one == other || folded && one.to_lowercase() == other.to_lowercase())
}

/// Whether the session's user sees the tables of a database.
async fn reads(session: &mut Session, database: &str) -> Result<bool> {
    let sql = format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema={} AND table_type='BASE TABLE' LIMIT 1",
        quote::text(database)
    );
    let Some(row) = session.first(sql).await? else { return Ok(false) };
    Ok(session.run(format!("SELECT 1 FROM {} LIMIT 1", quote::table(database, &row.text(0)))).await.is_ok())
}

/// Ends statements that a stopped run left behind in the target: the server goes on with them although nobody waits.
async fn end_earlier_work(session: &mut Session, database: &str) -> Result<()> {
    let sql = format!(
        "SELECT id FROM information_schema.processlist WHERE db={} AND id<>CONNECTION_ID() AND user=SUBSTRING_INDEX(CURRENT_USER(),'@',1)",
        quote::text(database)
    );
    for row in session.rows(sql).await? {
        // It may have ended by itself.
        let _ = session.run(format!("KILL {}", row.number(0))).await;
    }
    Ok(())
}
