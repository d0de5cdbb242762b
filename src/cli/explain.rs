//! `millstream explain`: the plans of every query and INSERT of a script.

use super::script::Script;
use super::{Exit, ExplainArgs};
use crate::console;
use crate::error::Result;
use crate::session::Outcome;
use crate::sql::{Statement, StatementKind};

/// Prints the plans; declarations take effect, nothing runs.
pub async fn explain(args: ExplainArgs) -> Exit {
    match print_plans(&args).await {
        Ok(()) => Exit::Fine,
        Err(error) => {
            console::error(&error);
            Exit::of(&error)
        }
    }
}

async fn print_plans(args: &ExplainArgs) -> Result<()> {
    let script = Script::read(&args.script)?;
    let mut session = script.session()?.with_state(args.state.planned());
    let mut first = true;
    for (statement, text) in script.statements() {
        let statement = statement.parsed?;
        let explained = match &statement.kind {
            StatementKind::Query(_) | StatementKind::Insert(_) | StatementKind::StatementSet(_) => Statement {
                span: statement.span,
                text: statement.text.clone(),
                kind: StatementKind::Explain { details: Vec::new(), statement: Box::new(statement) },
            },
            StatementKind::Explain { .. } => statement,
            _ => {
                session.prepare_statement(&statement, text)?;
                continue;
            }
        };
        if let Outcome::Text(plan) = session.execute_statement(&explained, text).await? {
            let gap = if std::mem::take(&mut first) { "" } else { "\n" };
            console::stdout(format!("{gap}{}\n", plan.trim_end()).as_bytes());
        }
    }
    Ok(())
}
