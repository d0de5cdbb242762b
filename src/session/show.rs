//! SHOW of what the session knows, and the value of an option.

use super::{Listing, Outcome, Session};
use crate::catalog::Object;
use crate::connectors::secrets::redact_setting;
use crate::error::{Error, Result};
use crate::functions::{aggregate, library};
use crate::settings;
use crate::sql::{Ident, LikePattern, Show, show_create_table, show_create_view};

impl Session {
    pub(super) fn show(&self, show: &Show) -> Result<Outcome> {
        let names = |views: bool| {
            let wanted = move |object: &Object| matches!(object, Object::View(_)) == views;
            self.catalog.all().filter(move |(_, o)| wanted(o)).map(|(n, _)| n.name.clone())
        };
        let listing = match show {
            Show::Catalogs => Listing::single("catalog name", [crate::catalog::DEFAULT_CATALOG.to_string()]),
            Show::CurrentCatalog => {
                Listing::single("current catalog name", [crate::catalog::DEFAULT_CATALOG.to_string()])
            }
            Show::Databases => Listing::single("database name", [crate::catalog::DEFAULT_DATABASE.to_string()]),
            Show::CurrentDatabase => {
                Listing::single("current database name", [crate::catalog::DEFAULT_DATABASE.to_string()])
            }
            // As in Flink, SHOW TABLES lists views too.
            Show::Tables { like } => {
                let mut all: Vec<String> = names(false).chain(names(true)).collect();
                all.sort();
                Listing::single("table name", all.into_iter().filter(|n| fits(like, n)))
            }
            Show::Views { like } => Listing::single("view name", names(true).filter(|n| fits(like, n))),
            // Functions are called in any case, so they are looked for in any case, too.
            Show::Functions { like } => {
                let like = like.clone().map(|like| LikePattern { case_insensitive: true, ..like });
                let mut all: Vec<String> = library::all().into_iter().map(|f| f.name().to_lowercase()).collect();
                all.extend(aggregate::all().into_iter().map(|f| f.name().to_lowercase()));
                all.sort();
                Listing::single("function name", all.into_iter().filter(|n| fits(&like, n)))
            }
            Show::Jobs => self.show_jobs(),
            Show::Integrations => self.show_integrations(),
            Show::Columns { table, like } => {
                let mut listing = self.describe(table)?;
                listing.rows.retain(|row| row[0].as_ref().is_some_and(|name| fits(like, name)));
                listing
            }
            Show::CreateTable(path) => match self.catalog.get(path)? {
                Object::Table(table) => return Ok(Outcome::Text(show_create_table(table))),
                _ => {
                    return Err(Error::statement("SHOW CREATE TABLE is only supported for tables that were declared")
                        .with_hint("Use SHOW CREATE VIEW for a view.")
                        .at(path.span));
                }
            },
            Show::CreateView(path) => match self.catalog.get(path)? {
                Object::View(view) => return Ok(Outcome::Text(show_create_view(view))),
                _ => return Err(Error::statement("SHOW CREATE VIEW is only supported for views").at(path.span)),
            },
        };
        Ok(Outcome::Listing(listing))
    }

    /// Every option that is set; of one that may be a secret no value.
    pub(super) fn show_settings(&self) -> Listing {
        let mut listing = Listing::new(&["key", "value"]);
        for (key, value) in self.settings.iter() {
            listing.push(vec![Some(key.to_string()), Some(redact_setting(key, value))]);
        }
        listing
    }

    /// Its value now, which may be its default.
    pub(super) fn show_setting(&self, key: &Ident) -> Result<Listing> {
        let value = self.settings.get(&key.value);
        if value.is_none() && !settings::is_known(&key.value) {
            let error = Error::statement(format!("unknown option '{}'", key.value)).at(key.span);
            return Err(match settings::near(&key.value) {
                Some(near) => error.with_hint(format!("Did you mean '{near}'?")),
                None => error.with_hint("SET lists what is set."),
            });
        }
        let mut listing = Listing::new(&["key", "value"]);
        listing.push(vec![Some(key.value.clone()), value.map(|value| redact_setting(&key.value, value))]);
        Ok(listing)
    }
}

/// True where a name fits `[NOT] {LIKE | ILIKE} 'pattern'`, or there is none.
pub(super) fn fits(like: &Option<LikePattern>, name: &str) -> bool {
    let Some(like) = like else { return true };
    let fold = |text: &str| if like.case_insensitive { text.to_lowercase() } else { text.to_string() };
    let pattern: String = fold(&like.pattern)
        .chars()
        .map(|c| match c {
            '%' => ".*".to_string(),
            '_' => ".".to_string(),
            other => regex::escape(&other.to_string()),
        })
        .collect();
    let fits = regex::Regex::new(&format!("(?s)^{pattern}$")).is_ok_and(|r| r.is_match(&fold(name)));
    fits != like.negated
}
