//! Many rows in few statements.
//!
//! Working off a backlog of webhooks is a matter of round trips: a hundred events that share one
//! transaction, and each table's rows one statement, cost little more than one event alone. Rows get
//! their ids before they are written, so that rows of several tables can point at each other.

use std::borrow::Cow;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, Iterable, ModelTrait, Statement,
    Value,
};

/// Rows per statement. Few different sizes, so that the prepared statements stay in the
/// connection's cache.
const CHUNKS: [usize; 4] = [128, 32, 8, 1];

/// The words of one table's insert, without the rows.
struct Words {
    head: String,
    columns: usize,
}

impl Words {
    fn of<E: EntityTrait>() -> Self {
        let columns: Vec<String> = E::Column::iter()
            .map(|c| format!("\"{}\"", c.as_column_ref().1))
            .collect();
        Self {
            head: format!(
                "INSERT INTO \"{}\" ({}) VALUES ",
                E::default().table_name(),
                columns.join(", ")
            ),
            columns: columns.len(),
        }
    }

    fn sql(&self, backend: DbBackend, rows: usize, tail: &str) -> String {
        let mut sql = String::with_capacity(self.head.len() + rows * self.columns * 6 + tail.len());
        sql.push_str(&self.head);
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            sql.push_str(&marks(backend, row * self.columns, self.columns));
            sql.push(')');
        }
        sql.push_str(tail);
        sql
    }
}

/// Where the value after `n` others goes: `$3`, or `?` for SQLite. Numbered marks have names there,
/// and finding each value's name among thousands took half of the time that booking took.
fn mark(backend: DbBackend, n: usize) -> Cow<'static, str> {
    match backend {
        DbBackend::Postgres => format!("${}", n + 1).into(),
        _ => "?".into(),
    }
}

/// Marks for `count` values after `before` others, with commas between.
pub(crate) fn marks(backend: DbBackend, before: usize, count: usize) -> String {
    let marks: Vec<_> = (before..before + count).map(|n| mark(backend, n)).collect();
    marks.join(", ")
}

/// A value as the database keeps it. For SQLite JSON is text: written as that here, it is not copied
/// as a tree once more when the statement runs.
fn plain(backend: DbBackend, value: Value) -> Value {
    match value {
        Value::Json(Some(json)) if backend == DbBackend::Sqlite => json.to_string().into(),
        other => other,
    }
}

/// Cuts rows into the few sizes that have prepared statements.
fn chunks<T>(mut rows: &[T]) -> Vec<&[T]> {
    let mut out = Vec::new();
    for size in CHUNKS {
        while rows.len() >= size {
            let (head, tail) = rows.split_at(size);
            out.push(head);
            rows = tail;
        }
    }
    out
}

/// Inserts whole rows, ids included.
///
/// # Errors
/// When the database refuses one of them; none is written then, if the caller rolls back.
pub async fn insert<E>(tx: &impl ConnectionTrait, rows: &[E::Model]) -> Result<(), DbErr>
where
    E: EntityTrait,
    E::Model: ModelTrait<Entity = E>,
{
    insert_with::<E>(tx, rows, "").await.map(|_| ())
}

/// The same with words after the rows, such as `ON CONFLICT DO NOTHING`; returns the rows written.
pub(crate) async fn insert_with<E>(
    tx: &impl ConnectionTrait,
    rows: &[E::Model],
    tail: &str,
) -> Result<u64, DbErr>
where
    E: EntityTrait,
    E::Model: ModelTrait<Entity = E>,
{
    if rows.is_empty() {
        return Ok(0);
    }
    let words = Words::of::<E>();
    let backend = tx.get_database_backend();
    let mut written = 0;
    for chunk in chunks(rows) {
        let values: Vec<Value> = chunk
            .iter()
            .flat_map(|row| E::Column::iter().map(|c| plain(backend, row.get(c))))
            .collect();
        let sql = words.sql(backend, chunk.len(), tail);
        let statement = Statement::from_sql_and_values(backend, sql, values);
        written += tx.execute_raw(statement).await?.rows_affected();
    }
    Ok(written)
}

/// Runs `UPDATE … FROM` over rows of values. `sql` gets the rows as the common table `v` with
/// `columns`, each written as `name TYPE`, because PostgreSQL cannot guess a parameter's type there.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn update_from(
    tx: &impl ConnectionTrait,
    columns: &[(&str, &str)],
    rows: &[Vec<Value>],
    sql: &str,
) -> Result<u64, DbErr> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let backend = tx.get_database_backend();
    let mut changed = 0;
    for chunk in chunks(rows) {
        let mut head = format!("WITH v ({}) AS (VALUES ", names.join(", "));
        for row in 0..chunk.len() {
            head.push_str(if row == 0 { "(" } else { ", (" });
            for (i, (_, kind)) in columns.iter().enumerate() {
                use std::fmt::Write;
                let comma = if i > 0 { ", " } else { "" };
                let mark = mark(backend, row * columns.len() + i);
                // Writing to a String cannot fail.
                let _ = write!(head, "{comma}CAST({mark} AS {kind})");
            }
            head.push(')');
        }
        head.push_str(") ");
        head.push_str(sql);
        let values: Vec<Value> = chunk.iter().flatten().cloned().collect();
        let statement = Statement::from_sql_and_values(backend, head, values);
        changed += tx.execute_raw(statement).await?.rows_affected();
    }
    Ok(changed)
}

/// `n` fresh ids of a table, ascending.
///
/// SQLite has one writer, and this is called inside its transaction, so the ids after the largest
/// are free. PostgreSQL hands them out from the column's sequence.
///
/// # Errors
/// When the database refuses.
pub async fn reserve<E: EntityTrait>(
    tx: &impl ConnectionTrait,
    n: usize,
) -> Result<Vec<i64>, DbErr> {
    if n == 0 {
        return Ok(Vec::new());
    }
    let table = E::default().table_name().to_owned();
    let backend = tx.get_database_backend();
    match backend {
        DbBackend::Postgres => {
            let statement = Statement::from_sql_and_values(
                backend,
                // PostgreSQL names an identity column's sequence so.
                format!("SELECT nextval('{table}_id_seq') AS id FROM generate_series(1, $1)"),
                [(n as i64).into()],
            );
            let rows = tx.query_all_raw(statement).await?;
            let mut ids = rows
                .iter()
                .map(|r| r.try_get::<i64>("", "id"))
                .collect::<Result<Vec<_>, _>>()?;
            ids.sort_unstable();
            Ok(ids)
        }
        _ => {
            let sql = format!("SELECT coalesce(max(id), 0) AS id FROM \"{table}\"");
            let row = tx
                .query_one_raw(Statement::from_string(backend, sql))
                .await?;
            let last = match row {
                Some(row) => row.try_get::<i64>("", "id")?,
                None => 0,
            };
            Ok((1..=n as i64).map(|k| last + k).collect())
        }
    }
}

/// One fresh id of a table.
///
/// # Errors
/// When the database refuses.
pub async fn reserve_one<E: EntityTrait>(tx: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let ids = reserve::<E>(tx, 1).await?;
    let none = || DbErr::RecordNotFound("no id".to_owned());
    ids.first().copied().ok_or_else(none)
}
