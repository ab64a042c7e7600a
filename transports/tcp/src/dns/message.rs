//! Questions and answers of the name service (RFC 1035, section 4), without I/O.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::reader::{CLASS_IN, LONGEST, Reader};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Services.
    Srv,
}

/// RFC 1035, section 3.2, RFC 3596 and RFC 2782.
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const TYPE_SRV: u16 = 33;
/// RFC 1035, section 4.1.1: the flags and the response code.
const RESPONSE: u16 = 0x8000;
const TRUNCATED: u16 = 0x0200;
const RECURSION_DESIRED: u16 = 0x0100;
const CODE: u16 = 0x000f;
const NO_SUCH_NAME: u16 = 3;
/// Bytes of a message's header.
const HEADER: usize = 12;

/// One question, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    bytes: Vec<u8>,
    kind: Kind,
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What there is; nothing, if the name does not exist.
    Found(Vec<Record>),
    /// Too long for UDP.
    Truncated,
    /// None, for this reason.
    Refused(&'static str),
}

/// One record that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An address of the name.
    Address(IpAddr),
    /// A service at the name.
    Service(Service),
}

/// Where a service is (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Those with a higher one are tried later.
    pub priority: u16,
    /// Among those of one priority, how often it comes first.
    pub weight: u16,
    /// Its port.
    pub port: u16,
    /// Its host; empty where there is decidedly none.
    pub target: String,
}

impl Kind {
    const fn number(self) -> u16 {
        match self {
            Self::A => TYPE_A,
            Self::Aaaa => TYPE_AAAA,
            Self::Srv => TYPE_SRV,
        }
    }
}

impl Query {
    /// A question for what `name` has; `None` if it cannot be one.
    #[must_use]
    pub fn new(id: u16, name: &str, kind: Kind) -> Option<Self> {
        let mut bytes = Vec::new();
        for number in [id, RECURSION_DESIRED, 1, 0, 0, 0] {
            bytes.extend(number.to_be_bytes());
        }
        for label in name.split('.') {
            let len = u8::try_from(label.len())
                .ok()
                .filter(|n| (1..64).contains(n))?;
            bytes.push(len);
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
        if bytes.len() > HEADER + LONGEST {
            return None;
        }
        bytes.extend(kind.number().to_be_bytes());
        bytes.extend(CLASS_IN.to_be_bytes());
        Some(Self { bytes, kind })
    }

    /// What the server is sent.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What a message says to this question; `None` if it is no answer to it.
    #[must_use]
    pub fn answer(&self, message: &[u8]) -> Option<Answer> {
        let mut reader = Reader::new(message);
        let id = reader.number()?;
        let flags = reader.number()?;
        let [questions, answers, _, _] = [(); 4].map(|()| reader.number());
        let (questions, answers) = (questions?, answers?);
        if id.to_be_bytes() != *self.bytes.first_chunk::<2>()? || flags & RESPONSE == 0 {
            return None;
        }
        // The question comes back; case may change (some servers lower it).
        let asked = self.bytes.get(HEADER..)?;
        let question = reader.skip(asked.len())?;
        if questions != 1 || !question.eq_ignore_ascii_case(asked) {
            return None;
        }
        match flags & CODE {
            0 => {}
            NO_SUCH_NAME => return Some(Answer::Found(Vec::new())),
            1 => return Some(Answer::Refused("the name server cannot read the question")),
            2 => return Some(Answer::Refused("the name server failed")),
            5 => return Some(Answer::Refused("the name server refuses to answer")),
            _ => return Some(Answer::Refused("the name server answers with an error")),
        }
        if flags & TRUNCATED != 0 {
            return Some(Answer::Truncated);
        }
        let mut found = Vec::new();
        for _ in 0..answers {
            let Some((kind, data)) = reader.record() else {
                break;
            };
            found.extend(self.record(kind, data));
        }
        Some(Answer::Found(found))
    }

    /// A record of the kind that was asked for; aliases on the way have others. `data` ends where
    /// the record does.
    fn record(&self, kind: u16, mut data: Reader<'_>) -> Option<Record> {
        if kind != self.kind.number() {
            return None;
        }
        match self.kind {
            Kind::A => {
                let address = <[u8; 4]>::try_from(data.rest()).ok()?;
                Some(Record::Address(Ipv4Addr::from(address).into()))
            }
            Kind::Aaaa => {
                let address = <[u8; 16]>::try_from(data.rest()).ok()?;
                Some(Record::Address(Ipv6Addr::from(address).into()))
            }
            Kind::Srv => Some(Record::Service(Service {
                priority: data.number()?,
                weight: data.number()?,
                port: data.number()?,
                target: data.host()?,
            })),
        }
    }
}

#[cfg(test)]
mod tests;
