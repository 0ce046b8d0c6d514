//! The rules of `LogValidator`, one by one.

use super::*;
use crate::log::testing::{Spec, marker};

fn accept(spec: &Spec, config: &TopicConfig) -> Result<Vec<Checked>, AppendError> {
    check(&spec.build(), Origin::Client, config, 5000)
}

#[test]
fn a_good_batch_passes_without_a_byte_changed() {
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let spec = Spec { codec, ..Spec::of(&["a", "b"]) };
        let checked = accept(&spec, &TopicConfig::default()).expect("accepted");
        assert_eq!(checked[0].bytes, spec.build());
    }
}

#[test]
fn a_flipped_bit_is_corrupt() {
    let mut bytes = Spec::of(&["a"]).build().to_vec();
    bytes[65] ^= 1;
    let result = check(&bytes.into(), Origin::Client, &TopicConfig::default(), 0);
    assert!(matches!(result, Err(AppendError::Corrupt(_))));
}

#[test]
fn records_without_keys_are_named_on_a_compacted_topic() {
    let mut config = TopicConfig::default();
    config.cleanup_policy.compact = true;
    let Err(AppendError::InvalidRecord { errors, .. }) = accept(&Spec::of(&["a", "b"]), &config)
    else {
        panic!("accepted")
    };
    assert_eq!(errors.iter().map(|e| e.index).collect::<Vec<_>>(), [0, 1]);
    assert!(accept(&Spec { key: Some(b"k"), ..Spec::of(&["a"]) }, &config).is_ok());
}

#[test]
fn timestamps_far_from_now_are_refused() {
    let config = TopicConfig { message_timestamp_before_max_ms: 3999, ..TopicConfig::default() };
    let Err(AppendError::InvalidTimestamp { errors }) = accept(&Spec::of(&["a", "b"]), &config)
    else {
        panic!("accepted")
    };
    assert_eq!(errors.len(), 1);
}

#[test]
fn log_append_time_is_written_into_the_header() {
    let config = TopicConfig {
        message_timestamp_type: TimestampType::LogAppendTime,
        ..TopicConfig::default()
    };
    let checked = accept(&Spec::of(&["a"]), &config).expect("accepted");
    assert!(checked[0].header.has(LOG_APPEND_TIME));
    assert_eq!(checked[0].header.max_timestamp, 5000);
    assert!(batch::crc_is_right(&checked[0].header, &checked[0].bytes));
}

#[test]
fn another_compression_type_recompresses() {
    let config = TopicConfig { compression_type: CompressionType::Zstd, ..TopicConfig::default() };
    let spec = Spec { codec: Codec::Gzip, ..Spec::of(&["aaaa", "bbbb"]) };
    let checked = accept(&spec, &config).expect("accepted");
    assert_eq!(checked[0].header.codec(), Codec::Zstd as i16);
    let plain = compress::decompress(Codec::Zstd, &checked[0].bytes[HEADER_BYTES..], 1000);
    assert_eq!(records(&plain.expect("plain")).count(), 2);
}

#[test]
fn clients_write_no_markers_and_nothing_too_large() {
    let result = check(&marker(1, 0, 1), Origin::Client, &TopicConfig::default(), 0);
    assert!(matches!(result, Err(AppendError::InvalidRecord { .. })));
    let result = check(&marker(1, 0, 1), Origin::Coordinator, &TopicConfig::default(), 0);
    assert!(result.is_ok());
    let config = TopicConfig { max_message_bytes: 60, ..TopicConfig::default() };
    assert!(matches!(accept(&Spec::of(&["a"]), &config), Err(AppendError::TooLarge { .. })));
}

#[test]
fn a_claim_of_append_time_is_taken_back_where_the_topic_has_create_time() {
    let bytes = Spec::of(&["a"]).build();
    let mut header = BatchHeader::read(&bytes).expect("a header");
    header.attributes |= LOG_APPEND_TIME;
    let claims = |max_timestamp| {
        let header = BatchHeader { max_timestamp, ..header };
        let bytes = batch::seal(header, &bytes[HEADER_BYTES..]);
        check(&bytes, Origin::Client, &TopicConfig::default(), 5000)
    };
    let checked = claims(77).expect("accepted");
    assert!(!checked[0].header.has(LOG_APPEND_TIME));
    assert_eq!(checked[0].header.max_timestamp, 77);
    assert!(matches!(claims(-1), Err(AppendError::InvalidTimestamp { .. })));
}

#[test]
fn what_does_not_decompress_is_unreadable() {
    let good = Spec { codec: Codec::Gzip, ..Spec::of(&["a"]) }.build();
    let header = BatchHeader::read(&good).expect("a header");
    let bad = batch::seal(header, b"not compressed by anything");
    let result = check(&bad, Origin::Client, &TopicConfig::default(), 5000);
    assert!(matches!(result, Err(AppendError::Unreadable(_))), "{result:?}");
}

#[test]
fn records_that_do_not_count_from_zero_are_unreadable_where_they_stay_compressed() {
    let build = |codec: Codec| {
        let mut body = BytesMut::new();
        let plain = Spec::of(&["a", "b"]).build();
        for (record, offset_delta) in records(&plain[HEADER_BYTES..]).flatten().zip([0, 2]) {
            Record { offset_delta, ..record }.write(&mut body);
        }
        let header = BatchHeader::read(&plain).expect("a header");
        let header = BatchHeader { attributes: codec as i16, ..header };
        batch::seal(header, &compress::compress(codec, 0, &body).expect("compressed"))
    };
    let check = |codec| check(&build(codec), Origin::Client, &TopicConfig::default(), 5000);
    assert!(matches!(check(Codec::Lz4), Err(AppendError::Unreadable(_))));
    let written = check(Codec::None).expect("counted anew").remove(0);
    let offsets = records(&written.bytes[HEADER_BYTES..]).flatten().map(|r| r.offset_delta);
    assert_eq!(offsets.collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_client_sends_one_batch_and_what_is_cut_short_is_none() {
    let config = TopicConfig::default();
    let one = Spec::of(&["a"]).build();
    let two = Bytes::from([&one[..], &one].concat());
    let result = check(&two, Origin::Client, &config, 5000);
    assert!(matches!(result, Err(AppendError::InvalidRecord { .. })), "{result:?}");
    let and_a_half = two.slice(..one.len() + 40);
    assert_eq!(check(&and_a_half, Origin::Client, &config, 5000).expect("one").len(), 1);
    assert!(check(&one.slice(..40), Origin::Client, &config, 5000).expect("none").is_empty());
}

#[test]
fn a_producer_without_epoch_is_not_written_anew() {
    let spec = Spec { producer: (7, -1, 0), ..Spec::of(&["a"]) };
    assert!(accept(&spec, &TopicConfig::default()).is_ok());
    let config = TopicConfig { compression_type: CompressionType::Gzip, ..TopicConfig::default() };
    assert!(matches!(accept(&spec, &config), Err(AppendError::Unreadable(_))));
}
