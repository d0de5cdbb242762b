//! A document as a script: its fenced blocks in order, each with what its info string says.

/// One fenced block of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The info string: `sh`, `sh job`, `text`.
    pub info: String,
    pub text: String,
    /// Where the block begins, counted from 1.
    pub line: usize,
}

/// The fenced blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => open = Some(Block { info: info.into(), text: String::new(), line: index + 1 }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn blocks_have_their_info_text_and_line() {
    let found = blocks("a\n```sh job\nx\ny\n```\nb\n```text\n```\n");
    let job = Block { info: "sh job".into(), text: "x\ny\n".into(), line: 2 };
    assert_eq!(found, [job, Block { info: "text".into(), text: String::new(), line: 7 }]);
}
