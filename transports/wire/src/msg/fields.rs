//! The values that stand behind keys: text, numbers, lists, maps, addresses, bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use base64::display::Base64Display;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};
use bytes::{Bytes, BytesMut};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use super::nathole::PortRange;
use super::object::Field;
use super::work::UdpAddr;

/// Go's `base64.StdEncoding`, which does not look at the unused bits of the last character.
static BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

macro_rules! plain {
    ($($type:ty: $value:ident, $zero:expr;)*) => {$(
        impl Field for $type {
            fn is_zero(&self) -> bool {
                let $value = self;
                $zero
            }

            fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
                if let Some(value) = Option::deserialize(from)? {
                    *self = value;
                }
                Ok(())
            }

            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.serialize(to)
            }
        }
    )*};
}

plain! {
    String: text, text.is_empty();
    bool: flag, !*flag;
    i64: number, *number == 0;
    u16: number, *number == 0;
}

/// A list whose `null` elements are zero values, as Go reads them.
fn list<'de, T, D>(from: D) -> Result<Vec<T>, D::Error>
where
    T: DeserializeOwned + Default,
    D: Deserializer<'de>,
{
    let items: Option<Vec<Option<T>>> = Option::deserialize(from)?;
    Ok(items
        .unwrap_or_default()
        .into_iter()
        .map(Option::unwrap_or_default)
        .collect())
}

macro_rules! lists {
    ($($type:ty)*) => {$(
        impl Field for Vec<$type> {
            fn is_zero(&self) -> bool {
                self.is_empty()
            }

            fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
                *self = list(from)?;
                Ok(())
            }

            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                self.serialize(to)
            }
        }
    )*};
}

lists! { String PortRange }

impl Field for BTreeMap<String, String> {
    fn is_zero(&self) -> bool {
        self.is_empty()
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        let map: Option<BTreeMap<String, Option<String>>> = Option::deserialize(from)?;
        let filled = map.unwrap_or_default().into_iter();
        self.clear();
        self.extend(filled.map(|(key, value)| (key, value.unwrap_or_default())));
        Ok(())
    }

    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.serialize(to)
    }
}

impl Field for Option<UdpAddr> {
    fn is_zero(&self) -> bool {
        self.is_none()
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        *self = Self::deserialize(from)?;
        Ok(())
    }

    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.serialize(to)
    }
}

/// Go's `net.IP`: text, empty for no address, and an IPv4 address in IPv6 form is an IPv4 address.
impl Field for Option<IpAddr> {
    fn is_zero(&self) -> bool {
        self.is_none()
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        struct Ip;

        impl Visitor<'_> for Ip {
            type Value = Option<IpAddr>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ip address")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                if text.is_empty() {
                    return Ok(None);
                }
                let ip: IpAddr = text.parse().map_err(|_| E::custom("invalid ip address"))?;
                Ok(Some(ip.to_canonical()))
            }
        }

        *self = from.deserialize_any(Ip)?;
        Ok(())
    }

    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(ip) => to.collect_str(&ip.to_canonical()),
            None => to.serialize_str(""),
        }
    }
}

/// Go's `[]byte`: standard base64 with padding.
impl Field for Bytes {
    fn is_zero(&self) -> bool {
        self.is_empty()
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        struct Base64;

        impl Visitor<'_> for Base64 {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64 text")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Bytes::new())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                let bytes = BASE64
                    .decode(text)
                    .map_err(|_| E::custom("invalid base64"))?;
                Ok(bytes.into())
            }
        }

        *self = from.deserialize_any(Base64)?;
        Ok(())
    }

    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Base64Display::new(self, &BASE64))
    }
}

/// Appends `bytes` in base64, unless that is more than `limit` bytes.
pub(crate) fn put_base64(bytes: &[u8], out: &mut BytesMut, limit: usize) -> bool {
    let Some(length) = base64::encoded_len(bytes.len(), true).filter(|length| *length <= limit)
    else {
        return false;
    };
    let start = out.len();
    out.resize(start + length, 0);
    let room = out.get_mut(start..).unwrap_or_default();
    BASE64.encode_slice(bytes, room).is_ok()
}
