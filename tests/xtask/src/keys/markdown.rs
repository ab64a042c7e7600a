//! The documentation of every key of a configuration file.

use culvert_conf::schema::{Key, Kind};

/// The page for the file of `program`.
pub(super) fn document(program: &str, keys: &[Key]) -> String {
    let mut page = format!(
        "# Keys of {program}\n\n\
         <!-- Written by `cargo xtask keys` from conf/src/raw; change the words there. -->\n\n\
         Every key that {program} reads. A key that is not written, is empty or is 0 has its\n\
         default. Keys may be written in upper or lower case. Times are whole numbers.\n\
         Samples: [conf/{program}.toml](../conf/{program}.toml) and\n\
         [conf/{program}_full_example.toml](../conf/{program}_full_example.toml).\n"
    );
    table(&mut page, "Top level", "", keys);
    page
}

/// A table of keys under a heading, and the tables inside it.
fn table(page: &mut String, heading: &str, place: &str, keys: &[Key]) {
    page.push_str(&format!("\n## {heading}\n"));
    rows(page, keys);
    inside(page, place, keys);
}

fn rows(page: &mut String, keys: &[Key]) {
    page.push_str("\n| key | value | |\n|---|---|---|\n");
    for key in keys {
        page.push_str(&format!(
            "| `{}` | {} | {} |\n",
            key.name,
            value(&key.kind),
            key.doc.replace('|', "\\|")
        ));
    }
}

fn inside(page: &mut String, place: &str, keys: &[Key]) {
    for key in keys {
        let place = format!("{place}{}", key.name);
        let (kind, list) = match &key.kind {
            Kind::List(item) => (item.as_ref(), true),
            other => (other, false),
        };
        let heading = if list {
            format!("[[{place}]]")
        } else {
            format!("[{place}]")
        };
        match kind {
            Kind::Table(keys) => table(page, &heading, &format!("{place}."), keys),
            Kind::Typed(types) => typed(page, &heading, &format!("{place}."), types),
            _ => {}
        }
    }
}

/// A table whose keys depend on its type: first those of every type.
fn typed(page: &mut String, heading: &str, place: &str, types: &[(&str, Vec<Key>)]) {
    let Some((_, first)) = types.first() else {
        return;
    };
    let everywhere = |key: &Key| {
        let has = |keys: &[Key]| keys.iter().any(|other| other.name == key.name);
        types.iter().all(|(_, keys)| has(keys))
    };
    let common: Vec<Key> = first
        .iter()
        .filter(|key| everywhere(key))
        .cloned()
        .collect();
    page.push_str(&format!("\n## {heading}\n\nEvery type:\n"));
    rows(page, &common);
    for (word, keys) in types {
        let own: Vec<Key> = keys
            .iter()
            .filter(|key| !everywhere(key))
            .cloned()
            .collect();
        page.push_str(&format!("\n### {heading} of type {word}\n"));
        if own.is_empty() {
            page.push_str("\nHas no further keys.\n");
        } else {
            rows(page, &own);
            inside_small(page, place, &own);
        }
    }
    inside(page, place, &common);
}

/// Tables of one type, under smaller headings.
fn inside_small(page: &mut String, place: &str, keys: &[Key]) {
    for key in keys {
        if let Kind::Table(keys) = &key.kind {
            page.push_str(&format!("\n`{place}{}`:\n", key.name));
            rows(page, keys);
        }
    }
}

/// What may be written, in words.
fn value(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Word(words) => {
            let words = words.iter().filter(|word| !word.is_empty());
            let words: Vec<_> = words.map(|word| format!("`{word}`")).collect();
            words.join(", ")
        }
        Kind::Whole(None) => "number".to_owned(),
        Kind::Whole(Some(range)) => format!("{} to {}", range.start(), range.end()),
        Kind::WholeOr(range, word) => {
            format!("{} to {}, `{word}`", range.start(), range.end())
        }
        Kind::Flag => "true or false".to_owned(),
        Kind::List(item) => match item.as_ref() {
            Kind::Table(_) | Kind::Typed(_) => "tables".to_owned(),
            item => format!("list of {}", value(item)),
        },
        Kind::Map(item) => format!("names, each with {}", value(item)),
        Kind::Table(_) | Kind::Typed(_) | Kind::Free => "table".to_owned(),
    }
}
