//! Messages: into bytes and out of them.

use bytes::BytesMut;
use criterion::{BatchSize, Criterion};
use culvert_wire::{
    Codec, Message, Version,
    msg::{StartWorkConn, UdpPacket},
};

/// A datagram that fills a packet.
const DATAGRAM: &[u8] = &[7; 1400];

pub(crate) fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire");
    let start = StartWorkConn {
        proxy_name: "user.ssh".to_owned(),
        src_addr: "203.0.113.7".to_owned(),
        src_port: 50_000,
        dst_addr: "198.51.100.1".to_owned(),
        dst_port: 6000,
        ..StartWorkConn::default()
    };
    let user = "203.0.113.7:50000".parse().unwrap();
    let messages = [
        ("StartWorkConn", Message::StartWorkConn(start)),
        (
            "UdpPacket",
            Message::UdpPacket(UdpPacket::new(DATAGRAM, user)),
        ),
    ];
    for version in [Version::V1, Version::V2] {
        let codec = Codec::new(version);
        for (name, message) in &messages {
            let name = format!("{} {name}", version.name());
            let mut bytes = BytesMut::new();
            group.bench_function(format!("{name} encoded"), |b| {
                b.iter(|| {
                    bytes.clear();
                    codec.encode(message, &mut bytes).unwrap();
                });
            });
            bytes.clear();
            codec.encode(message, &mut bytes).unwrap();
            group.bench_function(format!("{name} decoded"), |b| {
                let decode = |mut bytes| codec.decode(&mut bytes).unwrap().unwrap();
                b.iter_batched(|| bytes.clone(), decode, BatchSize::SmallInput);
            });
        }
    }
    group.finish();
}
