use bytes::Bytes;
use proptest::prelude::*;

use super::aborted::{Aborted, AbortedTransaction};
use super::batch::{self, Damage};
use super::compression::Codec;
use super::compression::tests::{ALL, pack};
use super::record_set::{RecordSet, Rules};
use crate::connectors::kafka::block::{Block, TimestampType};
use crate::connectors::kafka::records;

const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;
const LOG_APPEND_TIME: i16 = 1 << 3;
const CODECS: [Codec; 4] = ALL;

fn varint(out: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn field(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            varint(out, bytes.len() as i64);
            out.extend(bytes);
        }
        None => varint(out, -1),
    }
}

/// A record of a test: its distance from the first, key, value, and headers.
#[derive(Debug, Clone, Default)]
pub struct Written<'a> {
    delta: i32,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    headers: Vec<(&'a [u8], Option<&'a [u8]>)>,
}

pub fn value(delta: i32, value: &str) -> Written<'_> {
    Written { delta, value: Some(value.as_bytes()), ..Written::default() }
}

/// A batch, as the broker sends it. Its last offset may lie behind its last record.
pub struct Batch {
    base: i64,
    last_delta: i32,
    attributes: i16,
    producer: i64,
}

impl Batch {
    pub fn at(base: i64) -> Self {
        Self { base, last_delta: -1, attributes: 0, producer: -1 }
    }

    pub fn write(&self, written: &[Written<'_>]) -> Vec<u8> {
        let mut records = Vec::new();
        for record in written {
            let mut body = vec![0];
            varint(&mut body, 10 * i64::from(record.delta));
            varint(&mut body, i64::from(record.delta));
            field(&mut body, record.key);
            field(&mut body, record.value);
            varint(&mut body, record.headers.len() as i64);
            for (key, value) in &record.headers {
                field(&mut body, Some(key));
                field(&mut body, *value);
            }
            varint(&mut records, body.len() as i64);
            records.extend(body);
        }
        if let Some(codec) = Codec::of(self.attributes & 7) {
            records = pack(codec, &records);
        }
        let last = if self.last_delta >= 0 { self.last_delta } else { written.last().map_or(0, |r| r.delta) };
        let mut checked = Vec::new();
        checked.extend(self.attributes.to_be_bytes());
        checked.extend(last.to_be_bytes());
        checked.extend(1000i64.to_be_bytes());
        checked.extend(2000i64.to_be_bytes());
        checked.extend(self.producer.to_be_bytes());
        checked.extend([0; 6]); // the producer's epoch and its first number
        checked.extend((written.len() as i32).to_be_bytes());
        checked.extend(records);
        let mut batch = self.base.to_be_bytes().to_vec();
        batch.extend((checked.len() as i32 + 9).to_be_bytes());
        batch.extend(5i32.to_be_bytes());
        batch.push(2);
        batch.extend(crc32c::crc32c(&checked).to_be_bytes());
        batch.extend(checked);
        batch
    }

    pub fn in_transaction(base: i64, producer: i64) -> Self {
        Self { attributes: TRANSACTIONAL, producer, ..Self::at(base) }
    }

    /// The marker that ends a transaction.
    pub fn marker(base: i64, producer: i64, commits: bool) -> Vec<u8> {
        let key = [0, 0, 0, u8::from(commits)];
        let attributes = TRANSACTIONAL | CONTROL;
        Self { base, last_delta: -1, attributes, producer }.write(&[Written { key: Some(&key), ..Written::default() }])
    }
}

const RULES: Rules =
    Rules { needs: records::ALL, block_rows: 100, check_sums: true, batch_limit: 1 << 20, committed_only: true };

fn walk(set: &[Vec<u8>], from: (i64, Option<i64>), rules: Rules) -> RecordSet {
    RecordSet::new(rules, 0, from, Bytes::from(set.concat()), Aborted::default())
}

fn blocks(mut set: RecordSet) -> Result<Vec<Block>, Damage> {
    let mut blocks = Vec::new();
    while let Some(block) = set.next_block()? {
        blocks.push(block);
    }
    Ok(blocks)
}

/// `offset=value` of every record, and where reading stands in the end.
fn texts(set: RecordSet) -> (String, i64, bool) {
    let blocks = blocks(set).unwrap();
    let text = |block: &Block| -> Vec<String> {
        let value = |value| String::from_utf8_lossy(block.bytes(value).unwrap_or(b"NULL")).into_owned();
        block.records.iter().map(|r| format!("{}={}", r.offset, value(r.value))).collect()
    };
    let texts: Vec<_> = blocks.iter().flat_map(text).collect();
    let last = blocks.last().map_or((-1, false), |block| (block.next_position, block.ended));
    (texts.join(" "), last.0, last.1)
}

#[test]
fn a_record_has_all_its_parts() {
    let headers: Vec<(&[u8], Option<&[u8]>)> = vec![(b"h", Some(b"1")), (b"n", None)];
    let full = Written { delta: 0, key: Some(b"k"), value: Some(b"v"), headers };
    let bare = Written { delta: 3, ..Written::default() };
    let blocks = blocks(walk(&[Batch::at(7).write(&[full, bare])], (0, None), RULES)).unwrap();
    let [block] = &blocks[..] else { panic!("{blocks:?}") };
    let [full, bare] = &block.records[..] else { panic!("{block:?}") };
    assert_eq!((full.offset, full.timestamp, full.leader_epoch), (7, 1000, 5));
    assert_eq!((block.bytes(full.key), block.bytes(full.value)), (Some(&b"k"[..]), Some(&b"v"[..])));
    let headers: Vec<_> = block.headers(full).iter().map(|header| block.header(*header)).collect();
    assert_eq!(headers, [("h".into(), Some(&b"1"[..])), ("n".into(), None)]);
    assert_eq!((bare.offset, bare.timestamp, bare.timestamp_type), (10, 1030, TimestampType::Create));
    assert!(bare.key.is_null() && bare.value.is_null() && block.headers(bare).is_empty());
    assert_eq!((block.next_position, block.leader_epoch, block.ended), (11, Some(5), false));
}

#[test]
fn the_broker_may_say_when_a_record_was_written() {
    let batch = Batch { attributes: LOG_APPEND_TIME, ..Batch::at(0) }.write(&[value(0, "a"), value(1, "b")]);
    let blocks = blocks(walk(&[batch], (0, None), RULES)).unwrap();
    let times: Vec<_> = blocks[0].records.iter().map(|r| (r.timestamp, r.timestamp_type)).collect();
    assert_eq!(times, [(2000, TimestampType::LogAppend); 2]);
}

#[test]
fn reading_begins_and_ends_within_batches() {
    let set =
        [Batch::at(0).write(&[value(0, "a"), value(1, "b")]), Batch::at(2).write(&[value(0, "c"), value(1, "d")])];
    assert_eq!(texts(walk(&set, (1, None), RULES)), ("1=b 2=c 3=d".into(), 4, false));
    assert_eq!(texts(walk(&set, (1, Some(3)), RULES)), ("1=b 2=c".into(), 3, true));
    assert_eq!(texts(walk(&set, (0, Some(2)), RULES)), ("0=a 1=b".into(), 2, true));
    assert_eq!(texts(walk(&set, (3, Some(9)), RULES)), ("3=d".into(), 4, false));
    assert_eq!(texts(walk(&set, (5, Some(5)), RULES)), (String::new(), 5, true));
}

#[test]
fn offsets_that_compaction_has_emptied_are_passed() {
    let gaps = Batch { last_delta: 9, ..Batch::at(10) }.write(&[value(2, "a"), value(5, "b")]);
    let empty = Batch { last_delta: 4, ..Batch::at(20) }.write(&[]);
    assert_eq!(texts(walk(&[gaps.clone(), empty.clone()], (10, None), RULES)), ("12=a 15=b".into(), 25, false));
    assert_eq!(texts(walk(&[gaps.clone(), empty], (10, Some(18)), RULES)), ("12=a 15=b".into(), 18, true));
    assert_eq!(texts(walk(&[gaps], (10, Some(14)), RULES)), ("12=a".into(), 14, true));
}

#[test]
fn a_marker_that_compaction_has_taken_out_is_passed() {
    let attributes = TRANSACTIONAL | CONTROL;
    let empty = Batch { attributes, producer: 7, last_delta: 0, ..Batch::at(1) }.write(&[]);
    let set = [Batch::at(0).write(&[value(0, "a")]), empty.clone(), Batch::at(2).write(&[value(0, "b")]), empty];
    for committed_only in [true, false] {
        let rules = Rules { committed_only, ..RULES };
        assert_eq!(texts(walk(&set[..3], (0, None), rules)), ("0=a 2=b".into(), 3, false));
        // Also where nothing else comes, as at the end of a bounded read.
        assert_eq!(texts(walk(&set[..2], (1, Some(2)), rules)), (String::new(), 2, true));
    }
}

#[test]
fn a_batch_that_is_cut_off_comes_again() {
    let whole = Batch::at(0).write(&[value(0, "a")]);
    let next = Batch::at(1).write(&[value(0, "b")]);
    for cut in 0..next.len() {
        let set = [whole.clone(), next[..cut].to_vec()];
        assert_eq!(batch::end_of(&set.concat()), Some((1, Some(5))));
        assert_eq!(texts(walk(&set, (0, None), RULES)), ("0=a".into(), 1, false), "{cut}");
    }
}

#[test]
fn blocks_are_cut_at_the_row_limit_and_share_their_bytes() {
    let rows: Vec<_> = (0..250).map(|i| i.to_string()).collect();
    for codec in [0, 4] {
        let batch = |base: i32, rows: &[String]| {
            let records: Vec<_> = rows.iter().enumerate().map(|(i, text)| value(i as i32, text)).collect();
            Batch { attributes: codec, ..Batch::at(i64::from(base)) }.write(&records)
        };
        let set = [batch(0, &rows[..130]), batch(130, &rows[130..])];
        let all = blocks(walk(&set, (0, None), RULES)).unwrap();
        let sizes: Vec<_> = all.iter().map(|block| block.records.len()).collect();
        assert_eq!(sizes.iter().sum::<usize>(), 250, "{sizes:?}");
        assert!(sizes.iter().all(|size| *size <= 100), "{sizes:?}");
        let expected: Vec<_> = rows.iter().map(|row| format!("{row}={row}")).collect();
        assert_eq!(texts(walk(&set, (0, None), RULES)), (expected.join(" "), 250, false));
    }
}

#[test]
fn every_codec_is_read_also_beside_others() {
    let mut set = Vec::new();
    let mut expected = Vec::new();
    for (i, codec) in [0, 1, 2, 0, 3, 4, 4, 0].into_iter().enumerate() {
        let base = 2 * i as i64;
        set.push(Batch { attributes: codec, ..Batch::at(base) }.write(&[value(0, "x"), value(1, "y")]));
        expected.push(format!("{base}=x {}=y", base + 1));
    }
    assert_eq!(texts(walk(&set, (0, None), RULES)), (expected.join(" "), 16, false));
    assert_eq!(CODECS.map(Codec::name), ["gzip", "snappy", "lz4", "zstd"]);
    // Two that follow each other make one block, as plain ones do.
    let pair = |codec| {
        let one = |base| Batch { attributes: codec, ..Batch::at(base) }.write(&[value(0, "x")]);
        blocks(walk(&[one(0), one(1)], (0, None), RULES)).unwrap().len()
    };
    assert_eq!((pair(0), pair(3)), (1, 1));
}

#[test]
fn a_batch_that_unpacks_to_more_than_is_taken_is_told() {
    let text = "one two ".repeat(100);
    for (i, codec) in CODECS.into_iter().enumerate() {
        let batch = Batch { attributes: i as i16 + 1, ..Batch::at(0) }.write(&[value(0, &text)]);
        let walked =
            |batch_limit| blocks(walk(std::slice::from_ref(&batch), (0, None), Rules { batch_limit, ..RULES }));
        assert_eq!(walked(800).unwrap_err(), Damage::Large(800), "{}", codec.name());
        assert_eq!(walked(900).unwrap().len(), 1);
    }
}

#[test]
fn aborted_transactions_and_markers_are_no_records() {
    let of = |base, producer, text| Batch::in_transaction(base, producer).write(&[value(0, text)]);
    let set = [
        of(0, 7, "aborted"),
        of(1, 8, "committed"),
        Batch::at(2).write(&[value(0, "plain")]),
        of(3, 7, "aborted too"),
        Batch::marker(4, 7, false),
        of(5, 7, "new"),
        Batch::marker(6, 8, true),
        Batch::marker(7, 7, true),
    ];
    let aborted = || Aborted::new(vec![AbortedTransaction { producer: 7, first_offset: 0 }]);
    let bytes = Bytes::from(set.concat());
    let committed = RecordSet::new(RULES, 0, (0, Some(8)), bytes.clone(), aborted());
    assert_eq!(texts(committed), ("1=committed 2=plain 5=new".into(), 8, true));
    let all = RecordSet::new(Rules { committed_only: false, ..RULES }, 0, (0, None), bytes.clone(), Aborted::default());
    assert_eq!(texts(all), ("0=aborted 1=committed 2=plain 3=aborted too 5=new".into(), 8, false));
    // Whoever begins in the middle knows of the marker, too.
    let rest = RecordSet::new(RULES, 0, (3, None), bytes, aborted());
    assert_eq!(texts(rest), ("5=new".into(), 8, false));
}

#[test]
fn damage_is_told_behind_the_records_before_it() {
    let good = Batch::at(0).write(&[value(0, "a")]);
    let mut flipped = Batch::at(1).write(&[value(0, "b")]);
    *flipped.last_mut().unwrap() ^= 1;
    let damage = |batch: Vec<u8>, rules| {
        let mut set = walk(&[good.clone(), batch], (0, None), rules);
        assert_eq!(set.next_block().unwrap().unwrap().records.len(), 1);
        let damage = set.next_block().unwrap_err();
        assert_eq!((set.position(), set.next_block().unwrap_err()), (1, damage.clone()));
        damage
    };
    assert_eq!(damage(flipped.clone(), RULES), Damage::of("their checksum is wrong (CRC-32C)"));
    let careless = Rules { check_sums: false, ..RULES };
    let mut short = Batch::at(1).write(&[value(0, "b")]);
    short[61] += 2;
    assert_eq!(damage(short, careless), Damage::of("a record is longer than its batch"));
    let mut fewer = Batch::at(1).write(&[value(0, "b"), value(1, "c")]);
    fewer[60] = 3;
    let mut set = walk(&[fewer], (0, None), careless);
    assert_eq!(set.next_block().unwrap().unwrap().records.len(), 2);
    assert_eq!(set.next_block().unwrap_err(), Damage::of("a record is longer than its batch"));
    let mut old = Batch::at(1).write(&[value(0, "b")]);
    old[16] = 1;
    assert_eq!(damage(old, RULES), Damage::OldFormat(1));
    let mut codec = Batch::at(1).write(&[value(0, "b")]);
    codec[22] = 7;
    let expected = Damage::of("they are compressed with a codec that isn't known (7)");
    assert_eq!(damage(codec, careless), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a broker sends, nothing panics, and places lie within the buffer.
    #[test]
    fn any_bytes_are_walked_without_a_panic(
        codec in 0i16..6,
        control: bool,
        check_sums: bool,
        committed_only: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        texts in prop::collection::vec("[a-c]{0,90}", 1..40),
    ) {
        let records: Vec<_> = texts.iter().enumerate().map(|(i, text)| value(i as i32, text)).collect();
        let mut bytes = Batch { attributes: codec, ..Batch::at(3) }.write(&records);
        let attributes = codec | TRANSACTIONAL | if control { CONTROL } else { 0 };
        bytes.extend(Batch { attributes, ..Batch::at(100) }.write(&records));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        let rules = Rules { check_sums, committed_only, block_rows: 7, ..RULES };
        let mut set = RecordSet::new(rules, 0, (0, None), Bytes::from(bytes), Aborted::default());
        while let Ok(Some(block)) = set.next_block() {
            for record in &block.records {
                block.bytes(record.key);
                block.bytes(record.value);
                block.headers(record).iter().for_each(|header| _ = block.header(*header));
            }
        }
    }

    /// However batches are cut into blocks, every record comes once, in order; batches that compaction has emptied, of
    /// records or of a marker, are passed.
    #[test]
    fn every_record_comes_once(
        block_rows in 1usize..50,
        batches in prop::collection::vec((0usize..30, 0i16..5, any::<bool>()), 1..8),
        committed_only: bool,
        from in 0i64..60,
        end in prop::option::of(0i64..120),
    ) {
        let (mut set, mut next, mut expected) = (Vec::new(), 0, Vec::new());
        for (count, codec, control) in &batches {
            let records: Vec<_> = (0..*count).map(|i| value(i as i32, "text")).collect();
            let attributes = if *control && *count == 0 { TRANSACTIONAL | CONTROL } else { *codec };
            set.push(Batch { attributes, ..Batch::at(next) }.write(&records));
            expected.extend(next..next + *count as i64);
            next += (*count as i64).max(1);
        }
        expected.retain(|offset| *offset >= from && end.is_none_or(|end| *offset < end));
        let blocks = blocks(walk(&set, (from, end), Rules { block_rows, committed_only, ..RULES })).unwrap();
        let (mut offsets, mut position) = (Vec::new(), from);
        for block in &blocks {
            prop_assert!(block.records.len() <= block_rows);
            for record in &block.records {
                prop_assert!(record.offset >= position);
                prop_assert_eq!(block.bytes(record.value), Some(&b"text"[..]));
                offsets.push(record.offset);
                position = record.offset + 1;
            }
            prop_assert!(block.next_position >= position);
            position = block.next_position;
        }
        prop_assert_eq!(offsets, expected);
        let stop = end.map_or(next, |end| end.min(next)).max(from);
        prop_assert_eq!(position, stop);
        prop_assert_eq!(blocks.last().is_some_and(|block| block.ended), end.is_some_and(|end| end <= next.max(from)));
    }
}
