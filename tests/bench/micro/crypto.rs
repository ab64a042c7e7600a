//! Ciphers and compression, on one thread without I/O.

use bytes::BytesMut;
use criterion::{Criterion, Throughput};
use culvert_wire::{
    CfbDecryptor, CfbEncryptor, Key, SnappyDecoder, SnappyEncoder,
    v2::{AeadKey, Algorithm, Opener, Sealer},
};

/// About a read of a busy stream.
const PIECE: usize = 16 * 1024;

pub(crate) fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("crypto");
    group.throughput(Throughput::Bytes(PIECE as u64));
    let key = Key::derive("secret");
    let mut piece = vec![7; PIECE];
    let mut sealing = CfbEncryptor::with_iv(&key, [1; 16]);
    group.bench_function("useEncryption, sealed", |b| {
        b.iter(|| sealing.seal(&mut piece))
    });
    let mut opening = CfbDecryptor::with_iv(&key, [1; 16]);
    group.bench_function("useEncryption, opened", |b| {
        b.iter(|| opening.open(&mut piece))
    });
    for algorithm in Algorithm::by_speed() {
        let key = AeadKey::new(algorithm, [7; 32]);
        let mut record = vec![7; PIECE + Sealer::OVERHEAD];
        let mut sealer = Sealer::new(&key).unwrap();
        group.bench_function(format!("{}, sealed", algorithm.name()), |b| {
            b.iter(|| sealer.seal(&mut record).unwrap());
        });
        group.bench_function(format!("{}, sealed and opened", algorithm.name()), |b| {
            let mut sealer = Sealer::new(&key).unwrap();
            let mut opener = Opener::new(&key);
            let mut nonce = sealer.take_nonce().unwrap().to_vec();
            opener.open(&mut nonce).unwrap();
            b.iter(|| {
                sealer.seal(&mut record).unwrap();
                opener.open(&mut record).unwrap().unwrap()
            });
        });
    }
    // Half noise, half zeros: neither the best nor the worst of cases.
    let mut noise = culvert_kit::Payload::new(1).take(PIECE);
    for run in noise.chunks_mut(512).step_by(2) {
        run.fill(0);
    }
    let mut encoder = SnappyEncoder::new();
    let mut packed = BytesMut::new();
    group.bench_function("useCompression, packed", |b| {
        b.iter(|| {
            packed.clear();
            encoder.write(&noise, &mut packed).unwrap();
        });
    });
    packed.clear();
    SnappyEncoder::new().write(&noise, &mut packed).unwrap();
    group.bench_function("useCompression, unpacked", |b| {
        b.iter(|| {
            let (mut input, mut plain) = (packed.clone(), BytesMut::new());
            let mut decoder = SnappyDecoder::new();
            while decoder.read(&mut input, &mut plain).unwrap() {}
            plain.len()
        });
    });
    group.finish();
}
