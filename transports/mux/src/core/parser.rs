//! Cuts received bytes into headers and portions of payload, whatever the borders of the reads.

use std::ops::Range;

use crate::{ProtocolError, frame::Header};

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A whole header.
    Header(Header),
    /// A portion of the payload of the frame before, as a range of the input, and whether it is
    /// the last.
    Body(Range<usize>, bool),
}

/// Where in a frame the input stands. Holds at most 11 bytes of it.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    partial: [u8; Header::LEN],
    have: usize,
    body: usize,
}

impl Parser {
    /// The next piece of `input` from `at` on, which is moved; `None` when the input is used up.
    ///
    /// # Errors
    /// A header is malformed.
    pub(crate) fn next(
        &mut self,
        input: &[u8],
        at: &mut usize,
    ) -> Result<Option<Piece>, ProtocolError> {
        let rest = input.get(*at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        if self.body > 0 {
            let n = self.body.min(rest.len());
            let start = *at;
            *at += n;
            self.body -= n;
            return Ok(Some(Piece::Body(start..*at, self.body == 0)));
        }
        if self.have == 0
            && let Some((bytes, _)) = rest.split_first_chunk()
        {
            *at += Header::LEN;
            return Header::decode(*bytes).map(|h| Some(Piece::Header(h)));
        }
        for (to, from) in self.partial.iter_mut().skip(self.have).zip(rest) {
            *to = *from;
            self.have += 1;
            *at += 1;
        }
        if self.have < Header::LEN {
            return Ok(None);
        }
        self.have = 0;
        Header::decode(self.partial).map(|h| Some(Piece::Header(h)))
    }

    /// Announces that `len` bytes of payload follow the header that was just returned.
    pub(crate) const fn expect_body(&mut self, len: usize) {
        self.body = len;
    }
}
