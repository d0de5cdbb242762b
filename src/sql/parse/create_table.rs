//! `CREATE [TEMPORARY] TABLE`: columns, watermark, primary key, options, LIKE.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::cursor::Cursor;
use super::super::statement::{CreateTable, Ident, LikeClause, LikeFeature, LikeMode, StatementKind};
use super::column::{self, Element};
use crate::catalog::{Column, ColumnKind, PrimaryKey, Watermark};
use crate::error::{Error, Result, did_you_mean};
use crate::span::Span;

pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.expect("CREATE")?;
    let temporary = cursor.accept("TEMPORARY");
    if !cursor.accept("TABLE") {
        return Err(cursor.unexpected(if temporary { "TABLE or VIEW" } else { "TABLE, VIEW or TEMPORARY" }));
    }
    let if_not_exists = cursor.accept("IF") && cursor.expect("NOT EXISTS").map(|()| true)?;
    let name = cursor.path()?;
    let mut body = Body::default();
    if *cursor.token(0) == Token::LParen {
        for element in cursor.list(column::element)? {
            body.add(element)?;
        }
    }
    let comment = cursor.comment()?;
    refuse_distribution(cursor)?;
    let partitioned_by = match cursor.accept("PARTITIONED") {
        true => cursor.expect("BY").and_then(|()| cursor.list(Cursor::name))?,
        false => vec![],
    };
    let options = match cursor.accept("WITH") {
        true => cursor.options()?,
        false => Default::default(),
    };
    if cursor.word(0) == "AS" {
        let error = Error::unsupported("CREATE TABLE ... AS query").at(cursor.here());
        return Err(error.with_hint("Declare the table's columns and write INSERT INTO with the query."));
    }
    let like = match cursor.accept("LIKE") {
        true => Some(like(cursor)?),
        false => None,
    };
    if like.is_none() {
        body.check_names(&partitioned_by)?;
    }
    Ok(StatementKind::CreateTable(Box::new(CreateTable {
        name,
        temporary,
        if_not_exists,
        columns: body.columns,
        watermark: body.watermark,
        primary_key: body.primary_key,
        comment,
        partitioned_by,
        options,
        like,
    })))
}

fn refuse_distribution(cursor: &mut Cursor<'_>) -> Result<()> {
    let start = cursor.start();
    if !cursor.accept("DISTRIBUTED") {
        return Ok(());
    }
    let construct = if cursor.accept("BY") { "DISTRIBUTED BY" } else { "DISTRIBUTED" };
    Err(Error::unsupported(construct).at(cursor.since(start)))
}

/// What stands between the parentheses.
#[derive(Default)]
struct Body {
    columns: Vec<Column>,
    watermark: Option<Watermark>,
    primary_key: Option<PrimaryKey>,
}

impl Body {
    fn add(&mut self, element: Element) -> Result<()> {
        match element {
            Element::Column(column, key) => {
                if self.columns.iter().any(|earlier| earlier.name == column.name) {
                    let error = Error::statement(format!("column \"{}\" is declared twice", column.name));
                    return Err(error.at(column.span));
                }
                self.columns.push(column);
                key.map_or(Ok(()), |key| self.set_key(key))
            }
            Element::Watermark(watermark) if self.watermark.is_some() => {
                Err(Error::statement("a table has only one watermark").at(watermark.span))
            }
            Element::Watermark(watermark) => {
                self.watermark = Some(watermark);
                Ok(())
            }
            Element::Key(key) => self.set_key(key),
        }
    }

    fn set_key(&mut self, key: PrimaryKey) -> Result<()> {
        if self.primary_key.is_some() {
            return Err(Error::statement("a table has only one primary key").at(key.span));
        }
        for (i, column) in key.columns.iter().enumerate() {
            if key.columns.iter().take(i).any(|earlier| earlier == column) {
                return Err(
                    Error::statement(format!("column \"{column}\" occurs twice in the primary key")).at(key.span)
                );
            }
        }
        self.primary_key = Some(key);
        Ok(())
    }

    /// Keys, watermark and partitions name columns of the table. (With LIKE those may come from elsewhere.)
    fn check_names(&self, partitioned_by: &[Ident]) -> Result<()> {
        if let Some(key) = &self.primary_key {
            for name in &key.columns {
                let column = self.find(name, "primary key", key.span)?;
                if !matches!(column.kind, ColumnKind::Physical(_)) {
                    return Err(Error::statement(format!("primary key column \"{name}\" is not physical"))
                        .with_hint("A primary key consists of columns without AS and METADATA.")
                        .at(key.span));
                }
            }
        }
        if let Some(watermark) = &self.watermark {
            self.find(&watermark.column, "watermark", watermark.span)?;
        }
        partitioned_by.iter().try_for_each(|name| self.find(&name.value, "PARTITIONED BY", Some(name.span)).map(|_| ()))
    }

    fn find(&self, name: &str, whose: &str, span: Option<Span>) -> Result<&Column> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| {
            let error = Error::statement(format!("{whose} column \"{name}\" is not a column of this table")).at(span);
            match did_you_mean(name, self.columns.iter().map(|column| column.name.as_str())) {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        })
    }
}

/// `source [({INCLUDING | EXCLUDING | OVERWRITING} feature ...)]`
fn like(cursor: &mut Cursor<'_>) -> Result<LikeClause> {
    let source = cursor.path()?;
    let mut options: Vec<(LikeMode, LikeFeature, Span)> = vec![];
    if cursor.accept_sign(&Token::LParen) {
        while options.is_empty() || *cursor.token(0) != Token::RParen {
            let option = like_option(cursor)?;
            if options.iter().any(|earlier| earlier.1 == option.1) {
                return Err(Error::statement("each feature is named once in LIKE").at(option.2));
            }
            options.push(option);
        }
        cursor.expect_sign(&Token::RParen)?;
    }
    Ok(LikeClause { source, options })
}

fn like_option(cursor: &mut Cursor<'_>) -> Result<(LikeMode, LikeFeature, Span)> {
    let start = cursor.start();
    let modes = [
        ("INCLUDING", LikeMode::Including),
        ("EXCLUDING", LikeMode::Excluding),
        ("OVERWRITING", LikeMode::Overwriting),
    ];
    let features = [
        ("ALL", LikeFeature::All),
        ("CONSTRAINTS", LikeFeature::Constraints),
        ("DISTRIBUTION", LikeFeature::Distribution),
        ("PARTITIONS", LikeFeature::Partitions),
        ("GENERATED", LikeFeature::Generated),
        ("METADATA", LikeFeature::Metadata),
        ("OPTIONS", LikeFeature::Options),
        ("WATERMARKS", LikeFeature::Watermarks),
    ];
    let mode = one_of(cursor, &modes)?;
    let feature = one_of(cursor, &features)?;
    let span = cursor.since(start);
    use LikeFeature::{All, Constraints, Distribution, Partitions};
    if mode == LikeMode::Overwriting && matches!(feature, All | Constraints | Distribution | Partitions) {
        return Err(Error::statement(format!("{} is not possible in LIKE", cursor.slice(span)))
            .with_hint("OVERWRITING goes with GENERATED, METADATA, OPTIONS and WATERMARKS.")
            .at(span));
    }
    Ok((mode, feature, span))
}

fn one_of<T: Copy>(cursor: &mut Cursor<'_>, words: &[(&str, T)]) -> Result<T> {
    let found = words.iter().find(|(word, _)| cursor.accept(word)).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let words = words.iter().map(|(word, _)| *word).collect::<Vec<_>>();
        match words.split_last() {
            Some((last, others)) => cursor.unexpected(&format!("{} or {last}", others.join(", "))),
            None => cursor.unexpected("a word"),
        }
    })
}
