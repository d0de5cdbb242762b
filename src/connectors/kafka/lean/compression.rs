//! How record batches are compressed, and their way back.

use std::io::Read;

/// What a batch can be compressed with, by the number in its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// How snappy's streams begin that were made in Java (xerial): then come two version numbers and blocks, each with its
/// size before it. Others are one block.
const XERIAL: &[u8] = b"\x82SNAPPY\0";
const XERIAL_HEADER: usize = 16;

impl Codec {
    /// None for a number that stands for nothing.
    pub fn of(number: i16) -> Option<Self> {
        Some(match number {
            1 => Self::Gzip,
            2 => Self::Snappy,
            3 => Self::Lz4,
            4 => Self::Zstd,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// Appends what `packed` stands for, of no more bytes than `limit`.
    pub fn unpack(self, packed: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), Fault> {
        match self {
            Self::Gzip => read(flate2::read::MultiGzDecoder::new(packed), out, limit),
            Self::Snappy => snappy(packed, out, limit),
            Self::Lz4 => read(lz4_flex::frame::FrameDecoder::new(packed), out, limit),
            Self::Zstd => {
                read(zstd::stream::read::Decoder::with_buffer(packed).map_err(|_| Fault::Damaged)?, out, limit)
            }
        }
    }
}

/// Why a batch isn't unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Damaged,
    TooLarge,
}

fn read(stream: impl Read, out: &mut Vec<u8>, limit: usize) -> Result<(), Fault> {
    let size = stream.take(limit as u64 + 1).read_to_end(out).map_err(|_| Fault::Damaged)?;
    if size <= limit { Ok(()) } else { Err(Fault::TooLarge) }
}

fn snappy(packed: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), Fault> {
    if !packed.starts_with(XERIAL) {
        return snappy_block(packed, out, limit);
    }
    let end = out.len().saturating_add(limit);
    let mut rest = packed.get(XERIAL_HEADER..).ok_or(Fault::Damaged)?;
    while !rest.is_empty() {
        let (size, behind) = rest.split_first_chunk::<4>().ok_or(Fault::Damaged)?;
        let size = usize::try_from(i32::from_be_bytes(*size)).map_err(|_| Fault::Damaged)?;
        let block = behind.get(..size).ok_or(Fault::Damaged)?;
        let limit = end - out.len();
        snappy_block(block, out, limit)?;
        rest = &behind[block.len()..];
    }
    Ok(())
}

fn snappy_block(packed: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), Fault> {
    let size = snap::raw::decompress_len(packed).map_err(|_| Fault::Damaged)?;
    // A block says how large it was: no more than snappy can make of so few bytes is believed.
    if size > packed.len().saturating_mul(64).saturating_add(64) {
        return Err(Fault::Damaged);
    }
    if size > limit {
        return Err(Fault::TooLarge);
    }
    let start = out.len();
    out.resize(start + size, 0);
    match snap::raw::Decoder::new().decompress(packed, &mut out[start..]) {
        Ok(written) if written == size => Ok(()),
        _ => Err(Fault::Damaged),
    }
}

#[cfg(test)]
pub mod tests {
    use std::io::Write;

    use super::*;

    /// As a producer would compress it.
    pub fn pack(codec: Codec, bytes: &[u8]) -> Vec<u8> {
        match codec {
            Codec::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Codec::Snappy => snap::raw::Encoder::new().compress_vec(bytes).unwrap(),
            Codec::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Codec::Zstd => zstd::encode_all(bytes, 0).unwrap(),
        }
    }

    pub const ALL: [Codec; 4] = [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    #[test]
    fn every_codec_gives_back_what_was_packed_behind_what_is_there() {
        for (number, codec) in ALL.into_iter().enumerate() {
            assert_eq!(Codec::of(number as i16 + 1), Some(codec));
            let text = b"one two one two one two ".repeat(1000);
            let mut out = b"before ".to_vec();
            codec.unpack(&pack(codec, &text), &mut out, text.len()).unwrap();
            assert!(out.starts_with(b"before one two") && out.len() == 7 + text.len(), "{}", codec.name());
        }
        assert_eq!(Codec::of(5), None);
    }

    #[test]
    fn snappy_is_read_in_javas_frames_too() {
        let mut framed = [XERIAL, &[0, 0, 0, 1, 0, 0, 0, 1]].concat();
        for part in [&b"first "[..], b"second"] {
            let block = pack(Codec::Snappy, part);
            framed.extend((block.len() as i32).to_be_bytes());
            framed.extend(block);
        }
        let mut out = Vec::new();
        Codec::Snappy.unpack(&framed, &mut out, 12).unwrap();
        assert_eq!(out, b"first second");
        let unpack = |framed, limit| Codec::Snappy.unpack(framed, &mut Vec::new(), limit);
        assert_eq!(unpack(&framed[..framed.len() - 1], 12), Err(Fault::Damaged));
        assert_eq!(unpack(&framed, 11), Err(Fault::TooLarge));
    }

    #[test]
    fn damaged_bytes_are_told_and_make_no_giants() {
        for codec in ALL {
            let packed = pack(codec, &b"one two ".repeat(100));
            let unpack = |packed, limit| codec.unpack(packed, &mut Vec::new(), limit);
            assert_eq!(unpack(&packed[..packed.len() / 2], 800), Err(Fault::Damaged), "{}", codec.name());
            assert_eq!(unpack(b"\xff\xff\xff\xff\x0fnonsense", 800), Err(Fault::Damaged), "{}", codec.name());
            assert_eq!(
                (unpack(&packed, 800), unpack(&packed, 799)),
                (Ok(()), Err(Fault::TooLarge)),
                "{}",
                codec.name()
            );
        }
    }
}
