//! How a struct is a JSON object by the rules of Go's `encoding/json`.
//!
//! Read: an unknown key is ignored, a missing key or `null` leaves the zero value, a key written in
//! another case still counts, the last of equal keys wins. Written: fields in order, those marked
//! `omit` only when they are not zero (protocol 3.1). One deviation: bytes that are no UTF-8, which
//! Go would replace and never sends, are refused.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A value that can stand behind a key.
pub(crate) trait Field {
    /// Whether Go's `omitempty` leaves it out.
    fn is_zero(&self) -> bool;
    /// Takes the value in; `null` leaves or makes it zero.
    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error>;
    /// Writes the value.
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
}

/// A struct made by [`object!`].
pub(crate) trait Object: Default + PartialEq {
    /// Its keys, in the order they are written.
    const KEYS: &'static [&'static str];
    /// Takes in the value of `key`.
    fn set<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
    /// Writes its fields.
    fn put<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// Defines a struct and its JSON form. Each field: docs, key, `omit` or `always` (write it though
/// it is zero), `shown` or `hidden` (in `Debug`), name and type.
macro_rules! object {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$doc:meta])* $key:literal $when:ident $show:ident $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq, Eq)]
        $vis struct $name {
            $($(#[$doc])* $vis $field: $type,)*
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(
                        stringify!($field),
                        &$crate::msg::object::Show::$show(&self.$field),
                    ))*
                    .finish()
            }
        }

        impl $crate::msg::object::Object for $name {
            const KEYS: &'static [&'static str] = &[$($key),*];

            fn set<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                key: &str,
                map: &mut A,
            ) -> Result<(), A::Error> {
                match key {
                    $($key => map.next_value_seed($crate::msg::object::Slot(&mut self.$field)),)*
                    _ => map.next_value::<serde::de::IgnoredAny>().map(drop),
                }
            }

            fn put<M: serde::ser::SerializeMap>(&self, _map: &mut M) -> Result<(), M::Error> {
                $($crate::msg::object::$when(_map, $key, &self.$field)?;)*
                Ok(())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                $crate::msg::object::Field::write(self, to)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let mut value = Self::default();
                $crate::msg::object::Field::read(&mut value, from)?;
                Ok(value)
            }
        }
    };
}
pub(crate) use object;

/// Writes a field unless it is zero.
pub(crate) fn omit<M: SerializeMap, T: Field>(
    map: &mut M,
    key: &'static str,
    value: &T,
) -> Result<(), M::Error> {
    if value.is_zero() {
        Ok(())
    } else {
        map.serialize_entry(key, &Out(value))
    }
}

/// Writes a field even if it is zero.
pub(crate) fn always<M: SerializeMap, T: Field>(
    map: &mut M,
    key: &'static str,
    value: &T,
) -> Result<(), M::Error> {
    map.serialize_entry(key, &Out(value))
}

/// A field in `Debug` output.
pub(crate) enum Show<'a, T> {
    Plain(&'a T),
    Secret(bool),
}

impl<'a, T: Field> Show<'a, T> {
    pub(crate) fn shown(value: &'a T) -> Self {
        Self::Plain(value)
    }

    pub(crate) fn hidden(value: &'a T) -> Self {
        Self::Secret(value.is_zero())
    }
}

impl<T: fmt::Debug> fmt::Debug for Show<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(value) => value.fmt(f),
            Self::Secret(true) => f.write_str("none"),
            Self::Secret(false) => f.write_str("hidden"),
        }
    }
}

/// A field about to be written.
struct Out<'a, T>(&'a T);

impl<T: Field> Serialize for Out<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write(to)
    }
}

/// A field about to be read.
pub(crate) struct Slot<'a, T>(pub(crate) &'a mut T);

impl<'de, T: Field> DeserializeSeed<'de> for Slot<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        self.0.read(from)
    }
}

impl<T: Object> Field for T {
    /// For Go a struct is never empty; this is for the writers of `Debug` only.
    fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    fn read<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(ObjectVisitor(self))
    }

    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        self.put(&mut map)?;
        map.end()
    }
}

struct ObjectVisitor<'a, T>(&'a mut T);

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(KeySeed::<T>(PhantomData))? {
            match key {
                Some(key) => self.0.set(key, &mut map)?,
                None => map.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(())
    }
}

/// Finds which of an object's keys is meant: the exact one, else the first that differs only in
/// ASCII case.
struct KeySeed<T>(PhantomData<T>);

impl<'de, T: Object> DeserializeSeed<'de> for KeySeed<T> {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<T: Object> Visitor<'_> for KeySeed<T> {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        let exact = T::KEYS.iter().find(|key| **key == text);
        let folded = || T::KEYS.iter().find(|key| key.eq_ignore_ascii_case(text));
        Ok(exact.or_else(folded).copied())
    }
}
