//! A JSON Schema of a configuration file (draft 2020-12).

use culvert_conf::schema::{Key, Kind};
use serde_json::{Map, Value, json};

/// The schema of the file of `program`.
pub(super) fn document(program: &str, keys: &[Key]) -> String {
    let mut shared = Shared::default();
    let mut schema = shared.table(keys);
    let title = format!("Configuration of {program}");
    let draft = "https://json-schema.org/draft/2020-12/schema";
    schema.insert("$schema".to_owned(), json!(draft));
    schema.insert("title".to_owned(), json!(title));
    schema.insert("$defs".to_owned(), Value::Object(shared.0));
    let schema = Value::Object(schema);
    format!("{schema:#}\n")
}

/// Tables that are described once, by the name of their key.
#[derive(Default)]
struct Shared(Map<String, Value>);

impl Shared {
    fn table(&mut self, keys: &[Key]) -> Map<String, Value> {
        let mut properties = Map::new();
        for key in keys {
            let mut schema = self.kind(key.name, &key.kind);
            if let Value::Object(fields) = &mut schema {
                fields.insert("description".to_owned(), json!(key.doc));
            }
            properties.insert(key.name.to_owned(), schema);
        }
        Map::from_iter([
            ("type".to_owned(), json!("object")),
            ("properties".to_owned(), Value::Object(properties)),
            ("additionalProperties".to_owned(), json!(false)),
        ])
    }

    /// The table of one type.
    fn typed(&mut self, word: &str, keys: &[Key]) -> Value {
        let mut table = self.table(keys);
        let has_name = keys.iter().any(|key| key.name == "name");
        let required: &[_] = if has_name {
            &["name", "type"]
        } else {
            &["type"]
        };
        table.insert("required".to_owned(), json!(required));
        let kind = table
            .get_mut("properties")
            .and_then(|properties| properties.get_mut("type"));
        if let Some(Value::Object(kind)) = kind {
            kind.insert("const".to_owned(), json!(word));
        }
        Value::Object(table)
    }

    fn kind(&mut self, name: &str, kind: &Kind) -> Value {
        match kind {
            Kind::Text => json!({"type": "string"}),
            Kind::Word(words) => json!({"type": "string", "enum": words}),
            Kind::Whole(None) => json!({"type": "integer"}),
            Kind::Whole(Some(range)) => {
                json!({"type": "integer", "minimum": range.start(), "maximum": range.end()})
            }
            Kind::WholeOr(range, word) => json!({"anyOf": [
                {"type": "integer", "minimum": range.start(), "maximum": range.end()},
                {"type": "string", "enum": [word]}
            ]}),
            Kind::Flag => json!({"type": "boolean"}),
            Kind::List(item) => json!({"type": "array", "items": self.kind(name, item)}),
            Kind::Map(value) => {
                json!({"type": "object", "additionalProperties": self.kind(name, value)})
            }
            Kind::Table(keys) => {
                let table = Value::Object(self.table(keys));
                self.refer(name, table)
            }
            Kind::Typed(types) => {
                let types = types.iter();
                let one_of: Vec<Value> = types.map(|(word, keys)| self.typed(word, keys)).collect();
                self.refer(name, json!({"type": "object", "oneOf": one_of}))
            }
            Kind::Free => json!({"type": "object"}),
        }
    }

    /// A reference to `schema`, which is kept under `name`, or with a number behind it where
    /// another one has that name.
    fn refer(&mut self, name: &str, schema: Value) -> Value {
        let names = (1..).map(|n| match n {
            1 => name.to_owned(),
            n => format!("{name}{n}"),
        });
        for name in names {
            let kept = self.0.entry(name.clone()).or_insert_with(|| schema.clone());
            if *kept == schema {
                return json!({"$ref": format!("#/$defs/{name}")});
            }
        }
        schema
    }
}
