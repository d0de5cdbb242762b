//! Whether all parts of an Arrow IPC file or stream lie within it: the library makes room for what it is told comes.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};

use arrow::ipc::{root_as_footer, root_as_message};

/// What an Arrow IPC file begins and ends with.
const MAGIC: &[u8] = b"ARROW1";

/// What stands in front of the length of a message.
const CONTINUATION: i32 = -1;

/// True where the file says that it is an Arrow IPC file, and no stream.
pub fn is_file(file: &mut File) -> Result<bool> {
    let mut magic = [0; 6];
    file.seek(SeekFrom::Start(0))?;
    Ok(file.read_exact(&mut magic).is_ok() && magic == *MAGIC)
}

/// True where the blocks that the end of a file lists lie within it.
pub fn are_whole_in_file(file: &mut File) -> Result<bool> {
    let len = file.metadata()?.len();
    let mut end = [0; 10];
    let Some(footer_end) = len.checked_sub(end.len() as u64) else { return Ok(false) };
    file.seek(SeekFrom::Start(footer_end))?;
    file.read_exact(&mut end)?;
    let [a, b, c, d, ..] = end;
    let footer_len = u64::try_from(i32::from_le_bytes([a, b, c, d])).ok();
    let Some(start) = footer_len.and_then(|footer_len| footer_end.checked_sub(footer_len)) else { return Ok(false) };
    let mut footer = vec![0; (footer_end - start) as usize];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut footer)?;
    let Ok(footer) = root_as_footer(&footer) else { return Ok(false) };
    let blocks = footer.dictionaries().into_iter().flatten().chain(footer.recordBatches().into_iter().flatten());
    Ok(blocks.into_iter().all(|block| {
        let parts = [block.offset(), i64::from(block.metaDataLength()), block.bodyLength()];
        let end = parts.iter().try_fold(0u64, |end, part| end.checked_add(u64::try_from(*part).ok()?));
        end.is_some_and(|end| end <= len)
    }))
}

/// True where each message of a stream lies within it; what stands behind its end is not looked at.
pub fn are_whole_in_stream(file: &mut File) -> Result<bool> {
    let len = file.metadata()?.len();
    let (mut at, mut metadata) = (0u64, Vec::new());
    loop {
        file.seek(SeekFrom::Start(at))?;
        let mut number = || -> Result<i32> {
            let mut bytes = [0; 4];
            file.read_exact(&mut bytes).map(|()| i32::from_le_bytes(bytes))
        };
        if at == len {
            return Ok(true);
        }
        let Ok(first) = number() else { return Ok(false) };
        let (head, said) = match first {
            CONTINUATION => match number() {
                Ok(said) => (8, said),
                Err(_) => return Ok(false),
            },
            said => (4, said),
        };
        if said == 0 {
            return Ok(true);
        }
        let Some(size) = u64::try_from(said).ok().filter(|size| at + head + size <= len) else { return Ok(false) };
        metadata.resize(size as usize, 0);
        file.read_exact(&mut metadata)?;
        let Ok(message) = root_as_message(&metadata) else { return Ok(false) };
        let body = u64::try_from(message.bodyLength()).ok();
        match body.and_then(|body| (at + head + size).checked_add(body)).filter(|end| *end <= len) {
            Some(end) => at = end,
            None => return Ok(false),
        }
    }
}
