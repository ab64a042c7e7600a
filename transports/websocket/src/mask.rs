//! Masking of payloads (RFC 6455, section 5.3), a word at a time.

/// A masking key and how far into it a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask([u8; 4]);

/// Bytes that are masked at once; the compiler makes vector instructions of several such steps.
const WORD: usize = 8;

impl Mask {
    /// From the key of a frame's header.
    #[must_use]
    pub const fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Masks or unmasks the next bytes of the payload in place.
    pub fn apply(&mut self, bytes: &mut [u8]) {
        let len = bytes.len();
        let word = self.word();
        let (words, rest) = bytes.as_chunks_mut::<WORD>();
        for chunk in words {
            *chunk = (u64::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= key;
        }
        self.advance(len);
    }

    /// Masks the next bytes of the payload while copying them, as many as both sides have;
    /// answers how many.
    pub fn copy(&mut self, from: &[u8], to: &mut [u8]) -> usize {
        let len = from.len().min(to.len());
        let (Some(from), Some(to)) = (from.get(..len), to.get_mut(..len)) else {
            return 0;
        };
        let word = self.word();
        let (words_in, rest_in) = from.as_chunks::<WORD>();
        let (words_out, rest_out) = to.as_chunks_mut::<WORD>();
        for (from, to) in words_in.iter().zip(words_out) {
            *to = (u64::from_ne_bytes(*from) ^ word).to_ne_bytes();
        }
        for ((to, from), key) in rest_out.iter_mut().zip(rest_in).zip(self.0.iter().cycle()) {
            *to = from ^ key;
        }
        self.advance(len);
        len
    }

    const fn word(self) -> u64 {
        let [a, b, c, d] = self.0;
        u64::from_ne_bytes([a, b, c, d, a, b, c, d])
    }

    const fn advance(&mut self, len: usize) {
        self.0.rotate_left(len % 4);
    }
}

#[cfg(test)]
mod tests {
    use super::Mask;

    const KEY: [u8; 4] = [0x11, 0x22, 0x44, 0x88];

    fn plainly(bytes: &[u8]) -> Vec<u8> {
        let keys = KEY.iter().cycle();
        bytes.iter().zip(keys).map(|(b, k)| b ^ k).collect()
    }

    #[test]
    fn any_length_in_any_pieces() {
        for len in 0..70 {
            let bytes: Vec<u8> = (0..len).map(|n: u8| n.wrapping_mul(7)).collect();
            for cut in 0..=bytes.len() {
                let mut in_place = bytes.clone();
                let mut mask = Mask::new(KEY);
                let (a, b) = in_place.split_at_mut(cut);
                mask.apply(a);
                mask.apply(b);
                assert_eq!(in_place, plainly(&bytes));

                let mut copied = vec![0; bytes.len()];
                let mut mask = Mask::new(KEY);
                let (a, b) = copied.split_at_mut(cut);
                assert_eq!(mask.copy(&bytes[..cut], a), cut);
                assert_eq!(mask.copy(&bytes[cut..], b), bytes.len() - cut);
                assert_eq!(copied, plainly(&bytes));
            }
        }
    }

    #[test]
    fn a_copy_stops_at_the_shorter_side() {
        let mut to = [0; 5];
        let mut mask = Mask::new(KEY);
        assert_eq!(mask.copy(&[0; 9], &mut to), 5);
        assert_eq!(to, [0x11, 0x22, 0x44, 0x88, 0x11]);
        assert_eq!(mask, Mask::new([0x22, 0x44, 0x88, 0x11]));
    }
}
