//! `EXPLAIN [PLAN FOR | detail, ...] {query | INSERT | STATEMENT SET}`

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::cursor::Cursor;
use super::super::statement::{ExplainDetail, StatementKind};
use crate::error::{Error, Result, did_you_mean};

const DETAILS: &[(&str, ExplainDetail)] = &[
    ("ESTIMATED_COST", ExplainDetail::EstimatedCost),
    ("CHANGELOG_MODE", ExplainDetail::ChangelogMode),
    ("JSON_EXECUTION_PLAN", ExplainDetail::JsonExecutionPlan),
    ("PLAN_ADVICE", ExplainDetail::PlanAdvice),
];

pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.expect("EXPLAIN")?;
    let mut details = vec![];
    if cursor.accept("PLAN") {
        cursor.expect("FOR")?;
    } else {
        while let Some((_, detail)) = DETAILS.iter().find(|(word, _)| cursor.accept(word)) {
            details.push(*detail);
            if !cursor.accept_sign(&Token::Comma) {
                break;
            }
        }
    }
    let word = cursor.word(0);
    let meant = (!super::FIRST_WORDS.contains(&word.as_str()))
        .then(|| did_you_mean(&word, DETAILS.iter().map(|(detail, _)| *detail)))
        .flatten();
    if let Some(hint) = meant {
        return Err(Error::statement(format!("unknown detail {word} in EXPLAIN")).with_hint(hint).at(cursor.here()));
    }
    if word == "EXPLAIN" {
        return Err(cursor.unexpected("a query, INSERT or a statement set"));
    }
    let start = cursor.start();
    let kind = super::kind(cursor)?;
    let statement = super::finish(cursor, kind, start);
    match statement.kind {
        StatementKind::Query(_) | StatementKind::Insert(_) | StatementKind::StatementSet(_) => {
            Ok(StatementKind::Explain { details, statement: Box::new(statement) })
        }
        _ => Err(Error::statement("only queries, INSERT and statement sets can be explained").at(statement.span)),
    }
}
