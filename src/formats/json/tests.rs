use crate::formats::testing::{golden, outcome};

#[test]
fn messages_are_read_as_flink_reads_them() {
    let mut wrong = Vec::new();
    for case in golden(include_str!("flink_decode.golden")) {
        let came = outcome("json", &case).replace('\t', "\\t");
        if came != case.outcome {
            wrong.push(format!("{}\n    came: {came}", case.line));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
