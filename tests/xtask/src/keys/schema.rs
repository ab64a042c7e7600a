//! A JSON Schema of a configuration file (draft 2020-12).

use culvert_conf::schema::{Key, Kind};
use serde_json::{Map, Value, json};

/// The schema of the file of `program`.
pub(super) fn document(program: &str, keys: &[Key]) -> String {
    let mut shared = Shared::default();
    let mut schema = shared.table(keys, &[]);
    if let Value::Object(fields) = &mut schema {
        let own = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": format!("Configuration of {program}"),
            "$defs": shared.0,
        });
        if let Value::Object(own) = own {
            fields.extend(own);
        }
    }
    format!("{schema:#}\n")
}

/// Tables that are described once, by the name of their key.
#[derive(Default)]
struct Shared(Map<String, Value>);

impl Shared {
    fn table(&mut self, keys: &[Key], required: &[&str]) -> Value {
        let mut properties = Map::new();
        for key in keys {
            let mut schema = self.kind(key.name, &key.kind);
            if let Value::Object(fields) = &mut schema {
                fields.insert("description".to_owned(), json!(key.doc));
            }
            properties.insert(key.name.to_owned(), schema);
        }
        let mut table = json!({
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        });
        if !required.is_empty() {
            table["required"] = json!(required);
        }
        table
    }

    fn kind(&mut self, name: &str, kind: &Kind) -> Value {
        match kind {
            Kind::Text => json!({"type": "string"}),
            Kind::Word(words) => json!({"type": "string", "enum": words}),
            Kind::Whole(None) => json!({"type": "integer"}),
            Kind::Whole(Some(range)) => {
                json!({"type": "integer", "minimum": range.start(), "maximum": range.end()})
            }
            Kind::Flag => json!({"type": "boolean"}),
            Kind::List(item) => json!({"type": "array", "items": self.kind(name, item)}),
            Kind::Map(value) => {
                json!({"type": "object", "additionalProperties": self.kind(name, value)})
            }
            Kind::Table(keys) => {
                let table = self.table(keys, &[]);
                self.refer(name, table)
            }
            Kind::Typed(types) => {
                let one_of: Vec<Value> = types
                    .iter()
                    .map(|(word, keys)| {
                        let has_name = keys.iter().any(|key| key.name == "name");
                        let required: &[_] = if has_name {
                            &["name", "type"]
                        } else {
                            &["type"]
                        };
                        let mut table = self.table(keys, required);
                        table["properties"]["type"]["const"] = json!(word);
                        table
                    })
                    .collect();
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
