//! `transport.sessions`, which is a number or a word.

use crate::decode::{Decode, Decoder, Shape};
use crate::error::Fault;
use crate::sessions::Sessions;
use crate::tree::{Node, Value};

/// A number of links, or `auto`; `None` = not written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RawSessions(pub Option<Sessions>);

impl Decode for RawSessions {
    fn shape() -> Shape {
        Shape::WholeOr(Sessions::AUTO)
    }

    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        let found = match &node.value {
            Value::String(word) if word.is_empty() => return Some(Self(None)),
            Value::String(word) if word == Sessions::AUTO => {
                return Some(Self(Some(Sessions::Auto)));
            }
            Value::String(word) => format!("{word:?}"),
            _ => match i64::decode(node, decoder)? {
                0 => return Some(Self(None)),
                number => match u8::try_from(number) {
                    Ok(number) if number <= Sessions::MOST => {
                        return Some(Self(Some(Sessions::Fixed(number))));
                    }
                    _ => number.to_string(),
                },
            },
        };
        let (most, path) = (Sessions::MOST, decoder.path());
        let fault = Fault::BadValue {
            gist: format!("invalid {path}"),
            path,
            found,
            remedy: format!("write a number from 1 to {most}, or \"auto\""),
        };
        decoder.fault(node.line, fault);
        None
    }
}

#[cfg(test)]
impl crate::encode::Encode for RawSessions {
    fn encode(&self) -> Option<toml::Value> {
        self.0.map(|sessions| match sessions {
            Sessions::Fixed(number) => toml::Value::Integer(number.into()),
            Sessions::Auto => toml::Value::String(Sessions::AUTO.to_owned()),
        })
    }
}
