//! What is generated from the schema: documentation of every key, and JSON Schemas for editors.

mod markdown;
mod schema;

use std::fs;

use culvert_conf::schema::{client_keys, server_keys};

use crate::{
    error::{Error, Result},
    out::say,
};

/// Writes every generated file anew.
pub(crate) fn write() -> Result {
    for (path, text) in documents() {
        fs::write(path, text).map_err(Error::io(format!("write {path}")))?;
        say(&format!("wrote {path}"));
    }
    Ok(())
}

/// Each generated file and its text.
fn documents() -> [(&'static str, String); 4] {
    let (server, client) = (server_keys(), client_keys());
    [
        ("docs/CONFIG-FRPS.md", markdown::document("frps", &server)),
        ("docs/CONFIG-FRPC.md", markdown::document("frpc", &client)),
        ("conf/frps.schema.json", schema::document("frps", &server)),
        ("conf/frpc.schema.json", schema::document("frpc", &client)),
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_files_are_current() {
        crate::tree::enter_root().unwrap();
        for (path, text) in super::documents() {
            let kept = std::fs::read_to_string(path).unwrap();
            assert!(kept == text, "{path} is not current: run cargo xtask keys");
        }
    }
}
