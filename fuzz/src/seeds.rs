//! First inputs of every target: one of each shape that its decoder knows, made by the encoders. Not
//! the corpora: those are what the fuzzer made of these.

use bytes::Bytes;
use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_item::{AttributeValue, Item, Number, codec};
use flywheel_shard::fuzzing::{encode_identity, new_identity};
use flywheel_store::format::batch::{self, BatchHeader, BatchKind, HEADER_BYTES};
use flywheel_store::format::checkpoint::{ChunkWriter, Element};
use flywheel_store::format::meta::Meta;
use flywheel_store::format::place::Place;
use flywheel_store::format::record::{Record, RecordKind};
use flywheel_store::format::segment::SegmentHeader;
use flywheel_store::format::superblock::Superblock;
use flywheel_store::index::Location;
use flywheel_store::{PartitionId, PartitionSpec, PartitionState};

use crate::image::{FORGED, USED};
use crate::{Mode, PLACE};

/// Each target's name and its seeds.
pub fn all() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    vec![
        ("batch_header", in_modes(vec![header_bytes()])),
        ("batch", in_modes(vec![batch_bytes(&[]), batch_bytes(&records())])),
        ("record", in_modes(records().iter().map(record_bytes).collect())),
        ("meta", in_modes(metas().iter().map(|meta| meta.encode().to_vec()).collect())),
        ("segment", in_modes(vec![vec![0; 64], segment_bytes()])),
        ("superblock", in_modes(vec![superblock_bytes(4), superblock_bytes(7)])),
        ("checkpoint", in_modes(vec![chunk_bytes()])),
        ("location", vec![Location::new(7, 4160, 1009).to_bytes().to_vec()]),
        ("identity", in_modes(vec![identity_bytes()])),
        ("image", images()),
        ("number", ["-12.5 1e3", ".5 1e125", "5. -5"].map(|text| text.into()).into()),
        ("item", vec![item_bytes()]),
        ("request", HTTP_REQUESTS.map(|text| text.into()).into()),
        ("expression", EXPRESSIONS.map(|text| text.into()).into()),
        ("api", MESSAGES.map(|text| text.into()).into()),
    ]
}

/// Pieces of 7 bytes, and then a request with its signature in either place, and one in chunks.
const HTTP_REQUESTS: [&str; 3] = [
    "\x07POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Date: 20150830T123600Z\r\nAuthorization: AWS4-HMAC-SHA256 \
     Credential=AKIDEXAMPLE/20150830/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, \
     Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n\
     Content-Length: 2\r\n\r\n{}",
    "\x07POST /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Flocal%2Fdynamodb\
     %2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=\
     0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef HTTP/1.1\r\nHost: h\r\n\r\n",
    "\x07POST / HTTP/1.1\r\nDate: Sun, 30 Aug 2015 12:36:00 GMT\r\nTransfer-Encoding: chunked\r\n\r\n\
     5;a=b\r\nhello\r\n0\r\nTrailer: a\r\n\r\n",
];

/// One of each form.
const EXPRESSIONS: [&str; 6] = [
    "NOT (a BETWEEN :a AND b[0]) OR a IN (:a, c.#a) AND attribute_type(b, :b)",
    "size(d) >= :a AND begins_with(b[0], :b) OR contains(d, :b)",
    "attribute_exists(c.a) AND attribute_not_exists(e)",
    "SET e = if_not_exists(e, :a) + :a, b[1] = list_append(b, :b) REMOVE c.a ADD a :a DELETE d :d",
    "a, b[0], c.#a",
    "a = :a AND begins_with(b, :b)",
];

/// One of each family of operations, and one that is wrong.
const MESSAGES: [&str; 8] = [
    r##"{"TableName":"abc","Key":{"p":{"S":"a"}},"UpdateExpression":"SET a = :a","ExpressionAttributeNames":{"#n":"n"},"ExpressionAttributeValues":{":a":{"N":"1"}},"ReturnValues":"NONE","AttributeUpdates":{"a":{"Action":"ADD","Value":{"NS":["1"]}}}}"##,
    r#"{"TableName":"abc","Item":{"p":{"B":"AAEC"},"l":{"L":[{"NULL":true},{"BOOL":false}]},"m":{"M":{"s":{"SS":["a","b"]}}},"b":{"BS":["AA=="]}},"Expected":{"a":{"Exists":false,"ComparisonOperator":"EQ","AttributeValueList":[]}}}"#,
    r#"{"TableName":"abc","Limit":2,"Segment":0,"TotalSegments":4,"Select":"COUNT","ExclusiveStartKey":{"p":{"S":"a"}},"ScanFilter":{"a":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"x"}]}}}"#,
    r#"{"RequestItems":{"abc":{"Keys":[{"p":{"S":"a"}}],"ConsistentRead":true}}}"#,
    r#"{"RequestItems":{"abc":[{"PutRequest":{"Item":{"p":{"S":"a"}}}},{"DeleteRequest":{"Key":{"p":{"S":"b"}}}}]}}"#,
    r#"{"TransactItems":[{"Put":{"TableName":"abc","Item":{"p":{"S":"a"}}}},{"ConditionCheck":{"TableName":"abc","Key":{},"ConditionExpression":"c"}},{"Get":{"TableName":"abc","Key":{}}}]}"#,
    r#"{"TableName":"abc","KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}],"GlobalSecondaryIndexes":[{"IndexName":"idx","KeySchema":[],"Projection":{"ProjectionType":"ALL"},"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":0}}],"Tags":[{"Key":"k","Value":"v"}]}"#,
    r#"{"TableName":1.5,"Key":[[{"a":{"N":1}}]]}"#,
];

/// One attribute of each type.
fn item_bytes() -> Vec<u8> {
    let number = Number::parse("-12.5e10").expect("a number");
    let values = [
        AttributeValue::S("text".into()),
        AttributeValue::N(number),
        AttributeValue::B(vec![0, 0xff]),
        AttributeValue::Bool(true),
        AttributeValue::Null,
        AttributeValue::M(Item::from([("in".into(), AttributeValue::Null)])),
        AttributeValue::L(vec![AttributeValue::Bool(false)]),
        AttributeValue::Ss(["a".into(), "b".into()].into()),
        AttributeValue::Ns([number, Number::ZERO].into()),
        AttributeValue::Bs([vec![1], vec![2]].into()),
    ];
    let item = values.into_iter().map(|value| (value.kind().code().to_owned(), value)).collect();
    let mut bytes = Vec::new();
    codec::encode(&item, &mut bytes);
    bytes
}

/// Each input under each mode's byte.
fn in_modes(inputs: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let modes = [Mode::Raw, Mode::Sealed, Mode::Made];
    let under = |input: Vec<u8>| modes.map(|mode| [&[mode as u8], &input[..]].concat());
    inputs.into_iter().flat_map(under).collect()
}

fn header() -> BatchHeader {
    BatchHeader {
        place: PLACE,
        kind: BatchKind::Log,
        number: 41,
        previous: 39,
        durable: 38,
        body_bytes: 0,
        records: 0,
    }
}

fn header_bytes() -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    header().encode(&mut bytes);
    bytes
}

fn records() -> [Record<'static>; 3] {
    let put = Record { kind: RecordKind::Put, version: 7, key: b"user1", value: b"a value" };
    let meta: &[u8] = &[4, 1, 0, 0, 0, 0, 0, 0, 0];
    [
        put,
        Record { kind: RecordKind::Tombstone, version: 8, key: b"user2", value: b"" },
        Record { kind: RecordKind::Meta, version: 9, key: b"", value: meta },
    ]
}

fn record_bytes(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = vec![0; record.encoded_bytes()];
    record.encode(PLACE, &mut bytes);
    bytes
}

/// A batch without the zeros behind it.
fn batch_bytes(records: &[Record<'_>]) -> Vec<u8> {
    let mut header = header();
    header.records = records.len() as u32;
    header.body_bytes = records.iter().map(Record::encoded_bytes).sum::<usize>() as u32;
    let mut bytes = vec![0; header.batch_bytes()];
    batch::encode_records(&header, records.iter().copied(), &mut bytes);
    bytes.truncate(HEADER_BYTES + header.body_bytes as usize);
    bytes
}

fn spec() -> PartitionSpec {
    PartitionSpec {
        id: PartitionId(1),
        ownership_epoch: 2,
        start: Bytes::from("a"),
        end: Some(Bytes::from("x")),
        state: PartitionState::Serving,
    }
}

fn metas() -> Vec<Meta> {
    let (id, right) = (PartitionId(1), PartitionId(2));
    let from = vec![Location::new(1, 4160, 100), Location::new(2, 8192, 3000)];
    vec![
        Meta::Create(spec()),
        Meta::Split { id, at: Bytes::from("m"), right },
        Meta::Activate { id, ownership_epoch: 3 },
        Meta::Drop(right),
        Meta::Relocate { run: PLACE, from },
    ]
}

fn segment_bytes() -> Vec<u8> {
    let header = SegmentHeader {
        shard: 1,
        segment: 7,
        segment_bytes: 1 << 20,
        life: 12,
        generation: 3,
        before: (4, 11),
    };
    let mut bytes = vec![0; BLOCK_BYTES];
    header.encode(&mut bytes);
    bytes.truncate(64);
    bytes
}

/// A slot without the zeros behind it.
fn superblock_bytes(generation: u64) -> Vec<u8> {
    let superblock = Superblock {
        shard: 1,
        segment_bytes: 1 << 20,
        generation,
        replay_from: Place { segment: 3, life: 8, offset_bytes: 12288 },
        number: 77,
        next_version: 1000,
        checkpoint: vec![(4, 9), (5, 10)],
    };
    let mut block = vec![0; BLOCK_BYTES];
    superblock.encode(&mut block);
    block.truncate(96);
    block
}

fn chunk_bytes() -> Vec<u8> {
    let mut writer = ChunkWriter::new(1 << 10);
    writer.push(&Element::Segment(1, 6));
    writer.push(&Element::Partition(spec()));
    writer.push(&Element::Entry(b"user1", Location::new(1, 4160, 100)));
    writer.push(&Element::Entry(b"user22", Location::new(1, 4272, 100)));
    writer.push(&Element::End(2));
    let mut bytes = vec![0; writer.encoded_bytes()];
    writer.encode(7, 3, &mut bytes);
    let payload = u32::from_le_bytes(*bytes[20..].first_chunk().expect("a header"));
    bytes.truncate(24 + payload as usize);
    bytes
}

fn identity_bytes() -> Vec<u8> {
    let mut identity = new_identity(4, 32 << 20, flywheel_shard::Durability::Dsync);
    identity.dsync_us = Some(73.5);
    let mut block = vec![0; BLOCK_BYTES];
    encode_identity(&identity, &mut block);
    block.trim_ascii_end().to_vec()
}

/// Each operation once on each image, treated in each way.
fn images() -> Vec<Vec<u8>> {
    let edits: [&[u8]; 9] = [
        &[],
        &[0, 2, 0x40, 0x10, 3],                 // a flipped bit
        &[1, 3, 0x80, 0x10, 40, 9, 9],          // noise
        &[2, 1, 8, 2],                          // sectors of zeros
        &[3, 1, 1, 16, 8, 0],                   // sectors as they were earlier
        &[3, 0, 1, 8, 8, 1, 2, 24, 8],          // sectors of another file
        &[4, 1, 2],                             // a file cut off
        &[6, 1, 1],                             // a file as it was earlier
        &[7, 3, 0, 24, 0, 4, 1, 2, 3, 4, 5, 2], // other bytes
    ];
    let mut seeds = vec![vec![1, 5, 0], vec![2, 5, 4]];
    for (number, edit) in edits.iter().enumerate() {
        let how = [0, FORGED, USED, FORGED | USED][number % 4] | (number % 3) as u8;
        seeds.push([&[how], *edit].concat());
        seeds.push([&[how ^ FORGED], *edit].concat());
    }
    // Each kind of field of the first structures, up and down.
    for structure in 0..24 {
        for field in [0, 1, 2, 3, 4, 5, 9, 11, 12, 13] {
            let how = FORGED | USED | (structure % 3);
            seeds.push(vec![how, 8, structure, 0, field, field % 2]);
        }
    }
    seeds
}
