use super::dialect::Product;
use super::quote;
use super::session::{Login, Mode, Session};
use super::shape::{self, OWN, Shape};
use crate::databases::{Count, DatabaseAddress, Survey, Table};
use crate::{Problem, Result, Secret, Unit, Watch};

/// A database that is read and never written: the server itself refuses writes in its sessions.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(super) login: Login,
    pub(super) name: String,
    pub(super) product: Product,
}

impl Source {
    pub(crate) async fn open(address: &DatabaseAddress, secret: &Secret) -> Result<Self> {
        let (login, name) = Login::new(address, secret)?;
        let mut session = login.open(&name, Mode::Read).await?;
        let product = Product::of(&mut session).await?;
        session.close().await;
        Ok(Self { login, name, product })
    }

    pub(super) async fn session(&self) -> Result<Session> {
        self.login.open(&self.name, Mode::Read).await
    }

    pub(crate) async fn survey(&self, count: Count, watch: &dyn Watch) -> Result<Survey> {
        let mut session = self.session().await?;
        let survey = survey(&mut session, &self.name, &self.product, count, watch).await?;
        session.close().await;
        Ok(survey)
    }
}

pub(super) async fn survey(
    session: &mut Session,
    name: &str,
    product: &Product,
    count: Count,
    watch: &dyn Watch,
) -> Result<Survey> {
    let schema = quote::text(name);
    let shapes = shape::shapes(session, name).await?;
    let total = shapes.len() as u64;
    let mut tables = Vec::with_capacity(shapes.len());
    for (done, shape) in shapes.into_iter().enumerate() {
        let rows = match count {
            Count::Estimate => shape.rows,
            Count::Exact => {
                watch.safe_point().await?;
                watch.doing(&shape.name);
                watch.progress(done as u64, total, Unit::Tables);
                rows(session, name, &shape).await?
            }
        };
        tables.push(Table {
            transactional: shape.transactional(),
            rows,
            bytes: shape.bytes,
            key: shape.key,
            name: shape.name,
            engine: shape.engine,
            collation: shape.collation,
        });
    }
    let of_kind = |kind: &str| {
        format!(
            "SELECT table_name FROM information_schema.tables WHERE table_schema={schema} AND table_type='{kind}' ORDER BY 1"
        )
    };
    Ok(Survey {
        product: product.to_string(),
        name: name.to_owned(),
        collation: session
            .text(format!("SELECT default_collation_name FROM information_schema.schemata WHERE schema_name={schema}"))
            .await?,
        tables,
        views: shape::names(session, &of_kind("VIEW")).await?,
        sequences: shape::names(session, &of_kind("SEQUENCE")).await?,
        triggers: shape::names(
            session,
            &format!("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema={schema} ORDER BY 1"),
        )
        .await?,
        routines: shape::names(
            session,
            &format!("SELECT routine_name FROM information_schema.routines WHERE routine_schema={schema} ORDER BY 1"),
        )
        .await?,
        events: shape::names(
            session,
            &format!("SELECT event_name FROM information_schema.events WHERE event_schema={schema} ORDER BY 1"),
        )
        .await?,
    })
}

/// Counts every row of a table.
pub(super) async fn rows(session: &mut Session, database: &str, shape: &Shape) -> Result<u64> {
    session.number(format!("SELECT COUNT(*) FROM {}", quote::table(database, &shape.name))).await
}

/// Whether a name is one that this crate keeps for itself.
pub(super) fn refuse_own(name: &str) -> Result<()> {
    if name.starts_with(OWN) {
        return Err(Problem::permanent(
            "database.name",
            format!("Names that start with {OWN} are kept for the account of a copy."),
        ));
    }
    Ok(())
}
