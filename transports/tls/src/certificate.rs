//! What a certificate says of itself (RFC 5280, section 4.1), for people to read. Nothing here
//! decides whether it is believed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use time::{Date, Month};

/// A certificate's own words; nobody has checked them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whom it is for.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Whether both are the same.
    pub self_signed: bool,
    /// The first second at which it is valid, in seconds since 1970.
    pub not_before: i64,
    /// The last one.
    pub not_after: i64,
    /// The host names and addresses that it is for.
    pub names: Vec<String>,
}

/// The most names that are kept, and the most characters of each: enough to see whose it is.
const MOST_NAMES: usize = 20;
const LONGEST: usize = 100;

/// Tags of ASN.1 (X.690).
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const LONG_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xA0;
const EXTENSIONS: u8 = 0xA3;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

/// The identifiers of what is read: commonName, organizationName, subjectAltName.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0A];
const ALT_NAMES: &[u8] = &[0x55, 0x1D, 0x11];

impl Certificate {
    /// Reads a certificate in DER; `None` when it is none.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let mut whole = Der(Der(der).take(SEQUENCE)?);
        let mut inner = Der(whole.take(SEQUENCE)?);
        inner.skip(VERSION);
        inner.take(INTEGER)?;
        inner.take(SEQUENCE)?;
        let issuer = inner.take(SEQUENCE)?;
        let mut validity = Der(inner.take(SEQUENCE)?);
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        let subject = inner.take(SEQUENCE)?;
        inner.take(SEQUENCE)?;
        Some(Self {
            subject: called(subject),
            issuer: called(issuer),
            self_signed: subject == issuer,
            not_before,
            not_after,
            names: alternative(inner).unwrap_or_default(),
        })
    }
}

/// A name as people call it: its common name, else its organization.
fn called(name: &[u8]) -> String {
    let part = |wanted: &[u8]| {
        let mut sets = Der(name);
        while let Some(set) = sets.take(SET) {
            let mut pair = Der(Der(set).take(SEQUENCE)?);
            if pair.take(OBJECT)? == wanted {
                return pair.any().map(|(_, text)| readable(text));
            }
        }
        None
    };
    let name = part(COMMON_NAME).or_else(|| part(ORGANIZATION));
    name.unwrap_or_else(|| "nobody by name".to_owned())
}

/// Text of others for our terminal.
fn readable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let seen = text.chars().filter(|c| !c.is_control());
    seen.take(LONGEST).collect()
}

/// The names in the extension for them, from what stands behind the key.
fn alternative(mut rest: Der<'_>) -> Option<Vec<String>> {
    let extensions = loop {
        match rest.any()? {
            (EXTENSIONS, inside) => break inside,
            _ => continue,
        }
    };
    let mut extensions = Der(Der(extensions).take(SEQUENCE)?);
    let list = loop {
        let mut extension = Der(extensions.take(SEQUENCE)?);
        if extension.take(OBJECT)? == ALT_NAMES {
            // A flag may stand between.
            break loop {
                if let (OCTETS, list) = extension.any()? {
                    break list;
                }
            };
        }
    };
    let mut list = Der(Der(list).take(SEQUENCE)?);
    let mut names = Vec::new();
    while let (Some((tag, name)), true) = (list.any(), names.len() < MOST_NAMES) {
        match tag {
            DNS_NAME => names.push(readable(name)),
            IP_ADDRESS => names.extend(address(name).map(|ip| ip.to_string())),
            _ => {}
        }
    }
    Some(names)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|ip| Ipv4Addr::from(ip).into());
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|ip| Ipv6Addr::from(ip).into()))
        .ok()
}

/// What is left to read.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element, with its tag.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            if digits.is_empty() || digits.len() > 4 {
                return None;
            }
            let add = |sum: usize, digit: &u8| (sum << 8) | usize::from(*digit);
            (digits.iter().fold(0, add), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The next element, which must have this tag.
    fn take(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let (tag, content) = self.any()?;
        (tag == wanted).then_some(content)
    }

    /// Reads over the next element if it has this tag.
    fn skip(&mut self, unwanted: u8) {
        if self.0.first() == Some(&unwanted) {
            self.any();
        }
    }

    /// A time of either kind, in seconds since 1970.
    fn time(&mut self) -> Option<i64> {
        let (tag, text) = self.any()?;
        let text = str::from_utf8(text).ok()?;
        let digits = match tag {
            // RFC 5280, section 4.1.2.5.1: years from 1950 to 2049.
            UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
            UTC_TIME => format!("19{text}"),
            LONG_TIME => text.to_owned(),
            _ => return None,
        };
        let part = |at: usize, len: usize| digits.get(at..at + len)?.parse::<u8>().ok();
        let year = digits.get(..4)?.parse().ok()?;
        let month = Month::try_from(part(4, 2)?).ok()?;
        let date = Date::from_calendar_date(year, month, part(6, 2)?).ok()?;
        let moment = date
            .with_hms(part(8, 2)?, part(10, 2)?, part(12, 2)?)
            .ok()?;
        Some(moment.assume_utc().unix_timestamp())
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};
    use time::{Duration, OffsetDateTime};

    use super::Certificate;

    fn made() -> (Vec<u8>, i64, i64) {
        let names = ["frps.example", "192.0.2.7", "2001:db8::7"].map(str::to_owned);
        let mut params = CertificateParams::new(names).unwrap();
        let name = "a name\nin two lines";
        params.distinguished_name.push(DnType::CommonName, name);
        let now = OffsetDateTime::now_utc();
        (params.not_before, params.not_after) = (now, now + Duration::days(40 * 365));
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let (from, to) = (params.not_before, params.not_after);
        (der, from.unix_timestamp(), to.unix_timestamp())
    }

    #[test]
    fn a_certificate_tells_whose_it_is_and_for_how_long() {
        let (der, from, to) = made();
        let read = Certificate::read(&der).unwrap();
        assert_eq!(read.subject, "a namein two lines");
        assert_eq!((&read.issuer, read.self_signed), (&read.subject, true));
        assert_eq!((read.not_before, read.not_after), (from, to));
        assert_eq!(read.names, ["frps.example", "192.0.2.7", "2001:db8::7"]);
    }

    #[test]
    fn damage_anywhere_is_no_panic() {
        let (der, ..) = made();
        for cut in 0..der.len() {
            let _maybe = Certificate::read(&der[..cut]);
        }
        for at in 0..der.len() {
            for value in [0x00, 0x7F, 0x80, 0x84, 0xFF] {
                let mut damaged = der.clone();
                damaged[at] = value;
                let _maybe = Certificate::read(&damaged);
            }
        }
    }
}
